using System.Globalization;
using System.Runtime.InteropServices;

namespace Troupe.DevCluster.Cli;

/// <summary>
/// A start, or a time of much work, leaves an empty heap and code that may never be needed again. Pages of the program that are unmapped stay in the
/// page cache as long as others want them, and come back by themselves when they are needed.
/// </summary>
internal static partial class ResidentSet
{
    /// <summary>MADV_DONTNEED of Linux's mman.h.</summary>
    private const int DontNeed = 4;

    private const long Little = 4L << 20, Much = 32L << 20;
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(3);

    /// <summary>Gives memory back whenever much was worked and nearly nothing is going on any more.</summary>
    public static async Task KeepSmallAsync(CancellationToken ct)
    {
        for (var given = -Much; ;)
        {
            var before = GC.GetTotalAllocatedBytes();
            await Task.Delay(Quiet, ct);
            if (GC.GetTotalAllocatedBytes() - before > Little || before - given < Much)
                continue;
            GiveBack();
            given = GC.GetTotalAllocatedBytes();
        }
    }

    /// <summary>Gives back what of the heap is empty now, and unmaps all pages that are the same as in their file.</summary>
    private static void GiveBack()
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
