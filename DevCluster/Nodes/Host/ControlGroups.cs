namespace Troupe.DevCluster.Nodes.Host;

/// <summary>Removes empty cgroup directories in whatever layout is mounted (v1 controllers one by one, or v2).</summary>
internal static class ControlGroups
{
    private const string Root = "/sys/fs/cgroup";

    private static IEnumerable<string> Hierarchies() =>
        File.Exists($"{Root}/cgroup.controllers") ? [Root] : Directory.Exists(Root) ? Directory.EnumerateDirectories(Root) : [];

    /// <summary>Removes a group with its children; <paramref name="path"/> is as in cgroupsPath, e.g. <c>/troupe-x/pod</c>.</summary>
    public static void Remove(string path)
    {
        foreach (var hierarchy in Hierarchies())
            RemoveTree(hierarchy + path);
    }

    public static bool Exists(string path) => Hierarchies().Any(hierarchy => Directory.Exists(hierarchy + path));

    /// <summary>Whether the kernel has killed a process of the group because its memory limit was reached; false for a group that is gone.</summary>
    public static bool RanOutOfMemory(string path) =>
        // v1 tells in memory.oom_control, v2 in memory.events, both as "oom_kill N".
        Hierarchies().SelectMany(hierarchy => new[] { $"{hierarchy}{path}/memory.oom_control", $"{hierarchy}{path}/memory.events" }).Where(File.Exists)
            .SelectMany(ReadLines).Any(line => line.StartsWith("oom_kill ", StringComparison.Ordinal) && !line.EndsWith(" 0", StringComparison.Ordinal));

    public static IEnumerable<int> Processes(string path) =>
        Hierarchies().Select(hierarchy => hierarchy + path).Where(Directory.Exists)
            .SelectMany(directory => Directory.EnumerateFiles(directory, "cgroup.procs", SearchOption.AllDirectories))
            .SelectMany(ReadLines).Select(line => int.TryParse(line, out var pid) ? pid : 0).Where(pid => pid > 0).Distinct();

    private static IEnumerable<string> ReadLines(string file)
    {
        try
        {
            return File.ReadAllLines(file);
        }
        catch (IOException)
        {
            return []; // the group was removed while it was read
        }
    }

    private static void RemoveTree(string directory)
    {
        if (!Directory.Exists(directory)) return;
        foreach (var child in Directory.EnumerateDirectories(directory)) RemoveTree(child);
        try
        {
            // rmdir of a cgroup needs no unlinking of its virtual files.
            Directory.Delete(directory);
        }
        catch (IOException)
        {
            // Still populated (EBUSY) or already gone; the caller kills and comes again at teardown.
        }
    }
}
