using System.Globalization;
using System.Runtime.InteropServices;

namespace Troupe.DevCluster.Cli;

/// <summary>
/// A start runs through much code and makes much garbage that is never needed again. Pages of the program unmapped stay in the page cache as long
/// as others want them, and come back by themselves when they are needed.
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
        var ends = range.Split('-').Select(end => ulong.Parse(end, NumberStyles.HexNumber, CultureInfo.InvariantCulture)).ToArray();
        return ((nint)ends[0], (nuint)(ends[1] - ends[0]));
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint start, nuint length, int advice);
}
