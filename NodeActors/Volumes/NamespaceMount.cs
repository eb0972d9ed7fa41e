using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Troupe.Messages.Protocol.Node;

namespace Troupe.NodeActors.Volumes;

/// <summary>
/// Mounts that go from one process's mount namespace into another's, by Linux' open_tree and move_mount (5.2 and later).
/// </summary>
/// <remarks>Each call has a thread of its own, which enters the namespaces and then ends: no other thread ever sees them.</remarks>
internal static partial class NamespaceMount
{
    // linux/sched.h, linux/mount.h, linux/fcntl.h and asm-generic/unistd.h; the same on x86-64 and arm64.
    private const int CloneFs = 0x200;
    private const int CloneNewNs = 0x20000;
    private const int AtFdCwd = -100;
    private const int AtSymlinkNoFollow = 0x100;
    private const int AtEmptyPath = 0x1000;
    private const int OpenTreeClone = 1;
    private const int CloseOnExec = 0x80000;
    private const int MoveMountFromFd = 4;
    private const int Detach = 2;
    private const int NoFollow = 8;
    private const int Create = 0x40;
    private const nint OpenTree = 428;
    private const nint MoveMount = 429;
    private const int NoEntry = 2;
    private const int AlreadyExists = 17;
    private const uint StatMode = 0x3;

    /// <param name="source">A file, folder or device as the first process sees it; never a symbolic link, which its owner could point anywhere.</param>
    /// <param name="target">As the second process sees it; made when it is not there.</param>
    /// <returns>Numbers of the device, where it is one.</returns>
    /// <exception cref="IOException">Names what failed.</exception>
    public static (uint Major, uint Minor) Bind(int fromPid, string source, int toPid, string target, PluggedVolumeKind kind)
    {
        (uint, uint) device = default;
        InThread(() =>
        {
            using var from = OpenNamespace(fromPid);
            using var to = OpenNamespace(toPid);
            Enter(from);
            using var tree = Handle((int)Syscall(OpenTree, AtFdCwd, source, OpenTreeClone | CloseOnExec | AtSymlinkNoFollow), $"{source} of process {fromPid}");
            device = Check(tree, kind, source);
            Enter(to);
            Require(kind is PluggedVolumeKind.Folder ? MakeFolder(target) : MakeFile(target), $"making {target}");
            Require((int)SyscallMove(MoveMount, tree, "", AtFdCwd, target, MoveMountFromFd), $"mounting {target} in process {toPid}");
        });
        return device;
    }

    /// <exception cref="IOException">Names what failed.</exception>
    public static void Remove(int pid, string target) => InThread(() =>
    {
        using var ns = OpenNamespace(pid);
        Enter(ns);
        Require(Unmount(target, Detach | NoFollow), $"unmounting {target}");
        // It is empty, and only there to be mounted on.
        if (Unlink(target) != 0 && Marshal.GetLastPInvokeError() != NoEntry)
            Require(RemoveFolder(target), $"removing {target}");
    });

    private static void InThread(Action action)
    {
        // Bound while libc can still be found where this process has it.
        Marshal.PrelinkAll(typeof(NamespaceMount));
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                action();
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        if (failure is not null)
            throw failure is IOException ? new IOException(failure.Message, failure) : failure;
    }

    private static SafeFileHandle OpenNamespace(int pid) => Handle(Open($"/proc/{pid}/ns/mnt", CloseOnExec, 0), $"the mount namespace of process {pid}");

    private static void Enter(SafeFileHandle ns)
    {
        // A thread that shares its working folder with others may not change its namespace.
        Require(Unshare(CloneFs), "leaving the shared working folder");
        Require(SetNs(ns, CloneNewNs), "entering a mount namespace");
    }

    private static int MakeFile(string path)
    {
        var fd = Open(path, Create | CloseOnExec, 0b110_000_000);
        if (fd >= 0)
            new SafeFileHandle(fd, ownsHandle: true).Dispose();
        return fd < 0 ? -1 : 0;
    }

    private static int MakeFolder(string path) => MakeDir(path, 0b111_000_000) == 0 || Marshal.GetLastPInvokeError() == AlreadyExists ? 0 : -1;

    private static (uint Major, uint Minor) Check(SafeFileHandle file, PluggedVolumeKind kind, string source)
    {
        // struct statx: stx_mode is 16 bits at 28, stx_rdev_major and _minor 32 bits each at 128.
        Span<byte> status = stackalloc byte[256];
        Require(Statx(file, "", AtEmptyPath, StatMode, ref MemoryMarshal.GetReference(status)), source);
        var type = BinaryPrimitives.ReadUInt16LittleEndian(status[28..]) & 0xf000;
        var wanted = kind switch { PluggedVolumeKind.Device => 0x6000, PluggedVolumeKind.Folder => 0x4000, _ => 0x8000 };
        return type == wanted
            ? (BinaryPrimitives.ReadUInt32LittleEndian(status[128..]), BinaryPrimitives.ReadUInt32LittleEndian(status[132..]))
            : throw new UnsupportedVolumeException($"{source} is no {kind switch { PluggedVolumeKind.Device => "block device", PluggedVolumeKind.Folder => "folder", _ => "regular file" }}");
    }

    private static SafeFileHandle Handle(int fd, string what)
    {
        Require(fd, what);
        return new SafeFileHandle(fd, ownsHandle: true);
    }

    private static void Require(int result, string what)
    {
        if (result < 0)
            throw new IOException($"{what}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "mkdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MakeDir(string path, uint mode);

    [LibraryImport("libc", EntryPoint = "unlink", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Unlink(string path);

    [LibraryImport("libc", EntryPoint = "rmdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int RemoveFolder(string path);

    [LibraryImport("libc", EntryPoint = "unshare", SetLastError = true)]
    private static partial int Unshare(int flags);

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNs(SafeFileHandle ns, int type);

    [LibraryImport("libc", EntryPoint = "umount2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Unmount(string path, int flags);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(SafeFileHandle file, string path, int flags, uint mask, ref byte status);

    // Older C libraries have no function for these two.
    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint Syscall(nint number, nint directory, string path, nint flags);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint SyscallMove(nint number, SafeFileHandle from, string fromPath, nint toDirectory, string toPath, nint flags);
}
