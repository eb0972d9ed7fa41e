using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Troupe.Launcher.Disks;

/// <summary>What a disk image's first bytes and its file system tell.</summary>
/// <param name="Format"><c>qcow2</c> or <c>raw</c>.</param>
/// <param name="Size">Virtual size in bytes.</param>
/// <param name="RefersToOthers">A qcow2 image that names a backing or data file: not to be followed when a stranger made it.</param>
internal sealed partial record DiskImage(string Format, long Size, bool RefersToOthers = false)
{
    // fcntl.h and unistd.h, x86-64.
    private const int O_DIRECT = 0x4000;
    private const int O_CLOEXEC = 0x80000;
    private const int SeekEnd = 2;
    private const int SeekHole = 4;

    // struct statx and the constants of linux/stat.h: stx_mode is 16 bits at 28.
    private const int StatxBytes = 256;
    private const int StatxMode = 28;
    private const uint StatxType = 1;
    private const int CurrentDirectory = -100;
    private const int TypeMask = 0xF000;
    private const int BlockType = 0x6000;

    /// <summary>An incompatible feature bit: the data is in another file.</summary>
    private const ulong ExternalDataFile = 4;

    /// <summary>
    /// Format by what the file holds. A qcow2 header is <c>QFI\xfb</c>, version, offset of the backing file's name (at 8), …, the virtual
    /// size at 24, and from version 3 on the incompatible features at 72.
    /// </summary>
    public static DiskImage Inspect(string file)
    {
        using var stream = File.OpenRead(file);
        Span<byte> header = stackalloc byte[80];
        var read = stream.ReadAtLeast(header, header.Length, throwOnEndOfStream: false);
        if (read < 32 || !header.StartsWith("QFI"u8) || header[3] != 0xfb)
            return new DiskImage("raw", stream.Length > 0 ? stream.Length : stream.Seek(0, SeekOrigin.End));
        var refers = BinaryPrimitives.ReadUInt64BigEndian(header[8..]) != 0
            || (BinaryPrimitives.ReadUInt32BigEndian(header[4..]) >= 3 && read >= 80 && (BinaryPrimitives.ReadUInt64BigEndian(header[72..]) & ExternalDataFile) != 0);
        return new DiskImage("qcow2", BinaryPrimitives.ReadInt64BigEndian(header[24..]), refers);
    }

    /// <summary>Links are followed. .NET's file attributes do not tell devices from files.</summary>
    public static bool IsBlockDevice(string file)
    {
        Span<byte> status = stackalloc byte[StatxBytes];
        return Statx(CurrentDirectory, file, 0, StatxType, ref MemoryMarshal.GetReference(status)) == 0
            && (MemoryMarshal.Read<ushort>(status[StatxMode..]) & TypeMask) == BlockType;
    }

    /// <summary>Bytes of a file or of a device, whatever they hold.</summary>
    public static long Length(string file)
    {
        using var handle = File.OpenHandle(file);
        return Seek(handle, 0, SeekEnd);
    }

    /// <summary>Tried, because only the file system knows: tmpfs and some network file systems refuse.</summary>
    public static bool HasDirectIo(string file)
    {
        using var handle = new SafeFileHandle(Open(file, O_DIRECT | O_CLOEXEC), ownsHandle: true);
        return !handle.IsInvalid;
    }

    /// <summary>No holes up to the end.</summary>
    public static bool IsPreallocated(string file)
    {
        using var handle = File.OpenHandle(file);
        var length = RandomAccess.GetLength(handle);
        return length > 0 && Seek(handle, 0, SeekHole) == length;
    }

    /// <summary>Bytes of a block: of the device, or of the file system that the file is on.</summary>
    public static async Task<(int Logical, int Physical, int Discard)> BlockSizeAsync(string file, CancellationToken ct)
    {
        if (!IsBlockDevice(file))
        {
            var size = Number(await Command.RunAsync("stat", ["-f", "-c", "%S", file], ct).ConfigureAwait(false));
            return (size, size, size);
        }

        var logical = Number(await Command.RunAsync("blockdev", ["--getss", file], ct).ConfigureAwait(false));
        var physical = Number(await Command.RunAsync("blockdev", ["--getpbsz", file], ct).ConfigureAwait(false));
        var device = (await Command.RunAsync("stat", ["-L", "-c", "%Hr:%Lr", file], ct).ConfigureAwait(false)).Trim();
        var granularity = $"/sys/dev/block/{device}/queue/discard_granularity";
        var discard = File.Exists(granularity) ? Number(await File.ReadAllTextAsync(granularity, ct).ConfigureAwait(false)) : 0;
        return (logical, physical, discard % logical == 0 ? discard : physical);
    }

    private static int Number(string text) => int.Parse(text.Trim(), CultureInfo.InvariantCulture);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(int directory, string path, int flags, uint mask, ref byte status);

    [LibraryImport("libc", EntryPoint = "lseek")]
    private static partial long Seek(SafeFileHandle file, long offset, int whence);
}
