namespace Troupe.Messages.Protocol.Launcher;

/// <summary>
/// What a libvirt daemon found out about a QEMU binary, as it keeps it in its cache. Finding it out takes half a second of CPU and is the
/// same for every launcher of an image on a node; a daemon that is given the file checks itself that it is about its own binaries.
/// </summary>
/// <param name="File">Name in libvirt's cache: the SHA-256 of the binary's path, with <c>.xml</c>.</param>
/// <param name="Content">The file, gzipped.</param>
public sealed record EmulatorProbe(string File, ReadOnlyMemory<byte> Content);
