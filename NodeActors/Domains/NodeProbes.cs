using System.Text.Json;
using Troupe.Messages.Protocol.Launcher;

namespace Troupe.NodeActors.Domains;

/// <summary>
/// What this node's launchers found out about QEMU, handed from one to the next: a start without it costs half a second of CPU more.
/// libvirt checks that it fits, so the worst a wrong one does is to be found out again.
/// </summary>
/// <param name="file">Where it is kept between runs of the agent; null keeps it in memory only.</param>
public sealed class NodeProbes(string? file = null)
{
    private readonly Lock _gate = new();
    private IReadOnlyList<EmulatorProbe>? _known = Read(file);

    public IReadOnlyList<EmulatorProbe>? Known => Volatile.Read(ref _known);

    public void Learn(IReadOnlyList<EmulatorProbe> probes)
    {
        lock (_gate)
        {
            Volatile.Write(ref _known, probes);
            if (file is null)
                return;
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllBytes(file + ".new", JsonSerializer.SerializeToUtf8Bytes(probes, LauncherJson.Default.IReadOnlyListEmulatorProbe));
            File.Move(file + ".new", file, overwrite: true);
        }
    }

    private static IReadOnlyList<EmulatorProbe>? Read(string? file)
    {
        try
        {
            return file is null || !File.Exists(file) ? null : JsonSerializer.Deserialize(File.ReadAllBytes(file), LauncherJson.Default.IReadOnlyListEmulatorProbe);
        }
        catch (JsonException)
        {
            // A file of another version of Troupe: it is found out once more.
            return null;
        }
    }
}
