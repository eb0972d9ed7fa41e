using System.Globalization;
using System.Runtime.InteropServices;

namespace Troupe.Shared;

/// <summary>
/// A start, or a time of much work, runs through far more code than what comes after it and leaves an empty heap: half of a launcher's resident
/// memory are pages of libraries that it will not touch again. Unmapped, they stay in the page cache as long as others want them, and come back
/// by themselves when they are needed.
/// </summary>
internal static partial class ResidentSet
{
    /// <summary>MADV_DONTNEED of Linux's mman.h.</summary>
    private const int DontNeed = 4;

    /// <summary>Gives back what of the heap is empty now, and unmaps all pages that are the same as in their file.</summary>
    public static void GiveBack()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        foreach (var (start, length) in Unchanged(File.ReadLines("/proc/self/smaps")))
        {
            // Advice that the kernel does not take costs nothing.
            _ = Advise(start, length, DontNeed);
        }
    }

    /// <summary>Mappings of files in which no page was changed: what relocation wrote into must stay.</summary>
    /// <param name="smaps">Lines of proc_pid_smaps(5).</param>
    internal static IEnumerable<(nint Start, nuint Length)> Unchanged(IEnumerable<string> smaps)
    {
        (nint, nuint)? mapping = null;
        foreach (var line in smaps)
        {
            var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (!fields[0].EndsWith(':'))
                mapping = fields is [_, ['r', '-', ..], _, _, _, ['/', ..], ..] ? RangeOf(fields[0]) : null;
            else if (fields is ["Anonymous:", "0", ..] && mapping is { } unchanged)
                yield return unchanged;
        }
    }

    private static (nint, nuint) RangeOf(string range)
    {
        var dash = range.IndexOf('-', StringComparison.Ordinal);
        var (start, end) = (ulong.Parse(range.AsSpan(0, dash), NumberStyles.HexNumber, CultureInfo.InvariantCulture), ulong.Parse(range.AsSpan(dash + 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
        return ((nint)start, (nuint)(end - start));
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint start, nuint length, int advice);
}
