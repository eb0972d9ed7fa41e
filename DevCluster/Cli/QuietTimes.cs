using Troupe.Shared;

namespace Troupe.DevCluster.Cli;

internal static class QuietTimes
{
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
            ResidentSet.GiveBack();
            given = GC.GetTotalAllocatedBytes();
        }
    }
}
