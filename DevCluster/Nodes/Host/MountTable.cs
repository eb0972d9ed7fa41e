namespace Troupe.DevCluster.Nodes.Host;

internal static class MountTable
{
    public static bool IsMountPoint(string path) => Points().Contains(path);

    /// <summary>Mount points below a directory, deepest last mounted first, so that they can be unmounted in that order.</summary>
    public static IEnumerable<string> Below(string directory) =>
        Points().Where(point => point.StartsWith(directory + "/", StringComparison.Ordinal)).Reverse().ToList();

    // Field 5 of mountinfo; the kernel writes spaces and the like as octal escapes.
    private static List<string> Points() =>
        [.. File.ReadLines("/proc/self/mountinfo").Select(line => line.Split(' ')[4]
            .Replace("\\040", " ", StringComparison.Ordinal).Replace("\\011", "\t", StringComparison.Ordinal).Replace("\\134", "\\", StringComparison.Ordinal))];
}
