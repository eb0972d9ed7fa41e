using Troupe.DevCluster.Nodes.Host;

namespace Troupe.DevCluster.Nodes.Volumes;

internal sealed record ProjectedFile(byte[] Content, int Mode);

/// <summary>
/// A directory whose files change together: they lie in a timestamped directory behind the link <c>..data</c>, which is swapped by one
/// rename, as the kubelet does it; programs in containers watch for exactly that.
/// </summary>
internal static class AtomicDirectory
{
    private const string DataLink = "..data";

    public static void Write(string directory, IReadOnlyDictionary<string, ProjectedFile> files, uint? group)
    {
        Directory.CreateDirectory(directory);
        if (Current(directory) is { } current && Same(current, files)) return;

        var version = $"..{DateTime.UtcNow:yyyy_MM_dd_HH_mm_ss}.{Guid.NewGuid():n}";
        Directory.CreateDirectory($"{directory}/{version}");
        foreach (var (path, file) in files)
        {
            var target = $"{directory}/{version}/{path}";
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.WriteAllBytes(target, file.Content);
            var mode = group is null ? file.Mode : file.Mode | 0b100_000; // fsGroup members can read
            File.SetUnixFileMode(target, (UnixFileMode)mode);
            if (group is { } gid) Native.Chown(target, 0, gid);
        }

        var previous = new FileInfo($"{directory}/{DataLink}").LinkTarget;
        var swap = $"{directory}/..data_tmp";
        File.Delete(swap);
        File.CreateSymbolicLink(swap, version);
        Native.Rename(swap, $"{directory}/{DataLink}");

        var visible = files.Keys.Select(path => path.Split('/')[0]).ToHashSet();
        foreach (var name in visible.Where(name => !Path.Exists($"{directory}/{name}")))
        {
            File.Delete($"{directory}/{name}"); // a dangling link of an earlier version
            File.CreateSymbolicLink($"{directory}/{name}", $"{DataLink}/{name}");
        }
        foreach (var entry in Directory.EnumerateFileSystemEntries(directory).Select(path => Path.GetFileName(path)))
        {
            if (!entry.StartsWith("..", StringComparison.Ordinal) && !visible.Contains(entry)) File.Delete($"{directory}/{entry}");
        }
        if (previous is not null && previous != version && Directory.Exists($"{directory}/{previous}")) Directory.Delete($"{directory}/{previous}", recursive: true);
    }

    private static string? Current(string directory) => Directory.Exists($"{directory}/{DataLink}") ? $"{directory}/{DataLink}/" : null;

    private static bool Same(string current, IReadOnlyDictionary<string, ProjectedFile> files) =>
        Directory.EnumerateFiles(current, "*", SearchOption.AllDirectories).Count() == files.Count
        && files.All(file => File.Exists(current + file.Key) && File.ReadAllBytes(current + file.Key).AsSpan().SequenceEqual(file.Value.Content));
}
