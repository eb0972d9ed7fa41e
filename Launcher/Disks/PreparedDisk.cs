namespace Troupe.Launcher.Disks;

/// <summary>A disk that is there for QEMU to open.</summary>
/// <param name="Name">Of the disk and its volume.</param>
/// <param name="Target">Its name in the domain.</param>
/// <param name="Format"><c>qcow2</c> or <c>raw</c>.</param>
/// <param name="SizeBytes">Virtual size, where it is known.</param>
public sealed record PreparedDisk(string Name, string Target, string File, string Format, string? BackingFile = null, string? BackingFormat = null, long? SizeBytes = null)
{
    /// <summary>A block device, not a file.</summary>
    public bool IsBlock { get; init; }

    /// <summary>The file systems below let QEMU pass the page cache by.</summary>
    public bool HasDirectIo { get; init; } = true;

    /// <summary>All its blocks are there, so writes need not wait for the file system.</summary>
    public bool IsPreallocated { get; init; }

    /// <summary>Bytes of a block, as the volume itself has them; 0 where nobody asked.</summary>
    public int LogicalBlockSize { get; init; }
    public int PhysicalBlockSize { get; init; }
    public int DiscardGranularity { get; init; }

    /// <summary>Not the guest's to write, whatever the spec says.</summary>
    public bool IsReadonly { get; init; }

    /// <summary>Attached while the guest runs, and by its own address on the SCSI bus.</summary>
    public bool IsHotplugged { get; init; }
}
