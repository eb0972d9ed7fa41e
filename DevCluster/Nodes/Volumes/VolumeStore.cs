using Troupe.DevCluster.Nodes.Host;

namespace Troupe.DevCluster.Nodes.Volumes;

/// <summary>
/// What lies behind the volumes of the default provisioner: a directory, or a file that stands for a disk. All simulated nodes share
/// this machine, so each reaches every volume; which of them may use it at a time is the access modes' question.
/// </summary>
internal sealed class VolumeStore(StateLayout layout)
{
    private const UnixFileMode Everyone = (UnixFileMode)0b111_111_111;

    public LoopDevices Loops { get; } = new();

    public Attachments Attachments { get; } = new(layout.Attachments);

    public string DirectoryOf(string handle) => $"{layout.Volumes}/{handle}/data";

    public string DiskOf(string handle) => $"{layout.Volumes}/{handle}/disk.img";

    /// <summary>Makes a disk of that many bytes (sparse), or a directory when there is no size. One that is there already stays.</summary>
    public void Create(string handle, long? diskBytes)
    {
        Directory.CreateDirectory($"{layout.Volumes}/{handle}");
        if (diskBytes is not { } size)
        {
            Directory.CreateDirectory(DirectoryOf(handle));
            // Containers of any user write to it; a pod's fsGroup narrows that.
            File.SetUnixFileMode(DirectoryOf(handle), Everyone);
            return;
        }
        using var disk = new FileStream(DiskOf(handle), FileMode.OpenOrCreate, FileAccess.Write);
        if (disk.Length < size) disk.SetLength(size);
    }

    public async Task GrowAsync(string handle, long bytes, CancellationToken ct)
    {
        Create(handle, bytes);
        await Loops.RereadSizeAsync(DiskOf(handle), ct);
    }

    /// <exception cref="HostException">A pod still uses it.</exception>
    public async Task DeleteAsync(string handle, CancellationToken ct)
    {
        if (Attachments.Of(handle) is [var user, ..])
            throw new HostException($"persistentvolume {handle} is still attached to node {user.Node}");
        await Loops.DetachAsync(DiskOf(handle), ct);
        if (Directory.Exists($"{layout.Volumes}/{handle}")) Directory.Delete($"{layout.Volumes}/{handle}", recursive: true);
    }
}
