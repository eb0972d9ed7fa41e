using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Troupe.DevCluster.Nodes.Host;

/// <summary>The few Linux calls that the base library does not offer.</summary>
internal static partial class Native
{
    private const int MntDetach = 2;
    private const int AtFdCwd = -100;
    private const uint StatxBasic = 0x7ff;

    public static void Mount(string source, string target, string type, ulong flags, string? data)
    {
        if (mount(source, target, type, flags, data) != 0) throw Failure($"mount {type} at {target}");
    }

    /// <summary>Lazy unmount; a path that is no mount point is fine.</summary>
    public static void Unmount(string target)
    {
        const int EINVAL = 22, ENOENT = 2;
        if (umount2(target, MntDetach) != 0 && Marshal.GetLastPInvokeError() is not (EINVAL or ENOENT)) throw Failure($"unmount {target}");
    }

    public static void Chown(string path, uint uid, uint gid)
    {
        if (chown(path, uid, gid) != 0) throw Failure($"chown {path}");
    }

    /// <summary>One step, whatever was there before; a link is moved itself (.NET's File.Move does not find a link to a directory).</summary>
    public static void Rename(string from, string to)
    {
        if (rename(from, to) != 0) throw Failure($"rename {from} to {to}");
    }

    /// <summary>The path with all links resolved; null when it does not exist.</summary>
    public static string? RealPath(string path)
    {
        var resolved = realpath(path, 0);
        if (resolved == 0) return null;
        try
        {
            return Marshal.PtrToStringUTF8(resolved);
        }
        finally
        {
            free(resolved);
        }
    }

    public static bool ProcessExists(int pid) => Directory.Exists($"/proc/{pid}");

    public static void Kill(int pid, int signal) => _ = kill(pid, signal);

    /// <summary>Moves the calling thread, and what it makes from now on, into a network namespace.</summary>
    public static void EnterNetworkNamespace(string path)
    {
        const int CloneNewNet = 0x40000000;
        using var file = File.OpenHandle(path);
        if (setns((int)file.DangerousGetHandle(), CloneNewNet) != 0) throw Failure($"enter {path}");
    }

    /// <summary>Null when there is no such file.</summary>
    public static FileStatus? Stat(string path)
    {
        Span<byte> buffer = stackalloc byte[256];
        if (statx(AtFdCwd, path, 0, StatxBasic, ref MemoryMarshal.GetReference(buffer)) != 0) return null;
        return new FileStatus(
            BinaryPrimitives.ReadUInt16LittleEndian(buffer[28..]),
            BinaryPrimitives.ReadUInt32LittleEndian(buffer[20..]),
            BinaryPrimitives.ReadUInt32LittleEndian(buffer[24..]),
            BinaryPrimitives.ReadUInt32LittleEndian(buffer[128..]),
            BinaryPrimitives.ReadUInt32LittleEndian(buffer[132..]));
    }

    private static HostException Failure(string what) => new($"{what}: {Marshal.GetLastPInvokeErrorMessage()}");

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int mount(string source, string target, string type, ulong flags, string? data);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int umount2(string target, int flags);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int chown(string path, uint uid, uint gid);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int rename(string from, string to);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint realpath(string path, nint buffer);

    [LibraryImport("libc")]
    private static partial void free(nint memory);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setns(int file, int kind);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int kill(int pid, int signal);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int statx(int directory, string path, int flags, uint mask, ref byte buffer);
}

/// <summary>Mode, owner and device number of a file, links followed.</summary>
internal readonly record struct FileStatus(ushort Mode, uint Uid, uint Gid, uint DeviceMajor, uint DeviceMinor)
{
    private const int TypeMask = 0xF000;
    public bool IsDirectory => (Mode & TypeMask) == 0x4000;
    public bool IsRegular => (Mode & TypeMask) == 0x8000;
    public bool IsCharDevice => (Mode & TypeMask) == 0x2000;
    public bool IsBlockDevice => (Mode & TypeMask) == 0x6000;
    public bool IsSocket => (Mode & TypeMask) == 0xC000;
}
