namespace Troupe.Messages.Api.KubeVirt;

/// <summary>How large a disk image fits into a claim.</summary>
public static class ClaimSize
{
    /// <summary>Share of a file system's size that it needs for itself, where the storage profile says nothing else.</summary>
    public const decimal DefaultOverhead = 0.055m;

    private const long MiB = 1 << 20;

    /// <summary>How large a claim must be for this much of data, in whole MiB.</summary>
    public static long ClaimBytes(long bytes, decimal overhead = DefaultOverhead) => ((long)((1 + overhead) * bytes) + MiB - 1) / MiB * MiB;

    /// <param name="capacityBytes">Of the volume.</param>
    /// <param name="requestedBytes">What the claim asked for; the volume may be larger.</param>
    /// <returns>Bytes, in whole MiB.</returns>
    public static long ImageBytes(long capacityBytes, long? requestedBytes, decimal overhead = DefaultOverhead)
    {
        var asked = requestedBytes < capacityBytes ? requestedBytes.Value : capacityBytes;
        return (long)(asked * (1 - overhead)) / MiB * MiB;
    }
}
