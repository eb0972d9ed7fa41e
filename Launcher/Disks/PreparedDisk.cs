namespace Troupe.Launcher.Disks;

/// <summary>A disk that is there for QEMU to open.</summary>
/// <param name="Name">Of the disk and its volume.</param>
/// <param name="Target">Its name in the domain.</param>
/// <param name="Format"><c>qcow2</c> or <c>raw</c>.</param>
/// <param name="SizeBytes">Virtual size, where it is known.</param>
public sealed record PreparedDisk(string Name, string Target, string File, string Format, string? BackingFile = null, string? BackingFormat = null, long? SizeBytes = null);
