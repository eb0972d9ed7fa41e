namespace Troupe.Launcher.Disks;

/// <summary>ISO images with a few small files.</summary>
internal static class IsoImage
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <param name="files">Path inside of the image, and content.</param>
    public static async Task WriteAsync(string file, string label, IReadOnlyList<(string Path, byte[] Content)> files, CancellationToken ct)
    {
        var staging = file + ".files";
        try
        {
            Directory.CreateDirectory(staging);
            foreach (var (path, content) in files)
            {
                var target = Path.Combine(staging, path);
                Directory.CreateDirectory(Path.GetDirectoryName(target)!);
                await File.WriteAllBytesAsync(target, content, ct).ConfigureAwait(false);
            }

            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
            deadline.CancelAfter(Patience);
            await Command.RunAsync("xorriso", ["-as", "mkisofs", "-quiet", "-volid", label, "-joliet", "-rock", "-partition_cyl_align", "on", "-o", file + ".new", staging], deadline.Token).ConfigureAwait(false);
            File.Move(file + ".new", file, overwrite: true);
        }
        finally
        {
            // What they hold may be secret, and the image has it all.
            if (Directory.Exists(staging))
                Directory.Delete(staging, recursive: true);
        }
    }

    /// <summary>The files that kubelet put into a volume's folder; names that begin with two dots are its own.</summary>
    public static IReadOnlyList<(string Path, byte[] Content)> FilesOf(string folder) => !Directory.Exists(folder)
        ? []
        : [.. Directory.GetFiles(folder).Where(f => !Path.GetFileName(f).StartsWith("..", StringComparison.Ordinal)).Order(StringComparer.Ordinal).Select(f => (Path.GetFileName(f), File.ReadAllBytes(f)))];
}
