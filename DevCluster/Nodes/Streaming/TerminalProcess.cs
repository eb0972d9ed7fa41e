using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Troupe.DevCluster.Nodes.Host;

namespace Troupe.DevCluster.Nodes.Streaming;

/// <summary>A process that has a pseudo terminal of its own; this side holds the terminal's master.</summary>
internal sealed unsafe partial class TerminalProcess : IDisposable
{
    private const int ReadWrite = 2, NoControllingTerminal = 0x100, CloseOnExec = 0x80000;
    private const short NewSession = 0x80;
    private const nuint SetWindowSize = 0x5414;

    private readonly SafeFileHandle _master;
    private readonly int _pid;
    private readonly Task<int> _exit;

    private TerminalProcess(SafeFileHandle master, int pid)
    {
        (_master, _pid) = (master, pid);
        Output = new FileStream(master, FileAccess.Read, bufferSize: 0);
        Input = new FileStream(master, FileAccess.Write, bufferSize: 0);
        _exit = Task.Factory.StartNew(Wait, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Reading fails with an IOException (EIO) once the last user of the terminal has ended.</summary>
    public FileStream Output { get; }

    public FileStream Input { get; }

    /// <summary>Exit code, or 128 and the signal.</summary>
    public Task<int> Exit => _exit;

    public static TerminalProcess Start(string file, IReadOnlyList<string> arguments, TerminalSize? size)
    {
        var master = posix_openpt(ReadWrite | NoControllingTerminal | CloseOnExec);
        if (master < 0) throw new HostException("posix_openpt: " + Marshal.GetLastPInvokeErrorMessage());
        var handle = new SafeFileHandle(master, ownsHandle: true);
        var name = stackalloc byte[128];
        if (grantpt(master) != 0 || unlockpt(master) != 0 || ptsname_r(master, name, 128) != 0)
            throw new HostException("pseudo terminal: " + Marshal.GetLastPInvokeErrorMessage());
        if (size is not null) Resize(handle, size);

        // Opaque types of glibc; both are smaller than this.
        var actions = stackalloc byte[512];
        var attributes = stackalloc byte[512];
        Check(posix_spawn_file_actions_init(actions));
        Check(posix_spawnattr_init(attributes));
        // The first terminal that a new session opens becomes its controlling terminal.
        Check(posix_spawnattr_setflags(attributes, NewSession));
        Check(posix_spawn_file_actions_addopen(actions, 0, name, ReadWrite, 0));
        Check(posix_spawn_file_actions_adddup2(actions, 0, 1));
        Check(posix_spawn_file_actions_adddup2(actions, 0, 2));
        var argv = Strings([file, .. arguments]);
        var environment = Strings([.. Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>().Select(e => $"{e.Key}={e.Value}")]);
        try
        {
            var error = posix_spawnp(out var pid, file, actions, attributes, argv, environment);
            return error == 0 ? new TerminalProcess(handle, pid) : throw new HostException($"{file} cannot be run: {Marshal.GetPInvokeErrorMessage(error)}");
        }
        finally
        {
            Check(posix_spawn_file_actions_destroy(actions));
            Check(posix_spawnattr_destroy(attributes));
            Free(argv);
            Free(environment);
        }
    }

    public void Resize(TerminalSize size) => Resize(_master, size);

    public void Kill()
    {
        if (!_exit.IsCompleted) Native.Kill(_pid, 9);
    }

    public void Dispose()
    {
        Kill();
        Output.Dispose();
        Input.Dispose();
        _master.Dispose();
    }

    private static void Check(int error)
    {
        if (error != 0) throw new HostException("posix_spawn: " + Marshal.GetPInvokeErrorMessage(error));
    }

    private static void Resize(SafeFileHandle master, TerminalSize size)
    {
        var window = stackalloc ushort[4] { size.Height, size.Width, 0, 0 };
        _ = ioctl((int)master.DangerousGetHandle(), SetWindowSize, window);
    }

    private int Wait()
    {
        int status;
        while (waitpid(_pid, &status, 0) < 0 && Marshal.GetLastPInvokeError() == 4) { }
        return (status & 0x7f) == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f);
    }

    private static byte** Strings(IReadOnlyList<string> texts)
    {
        var array = (byte**)NativeMemory.AllocZeroed((nuint)texts.Count + 1, (nuint)sizeof(byte*));
        for (var i = 0; i < texts.Count; i++) array[i] = (byte*)Marshal.StringToCoTaskMemUTF8(texts[i]);
        return array;
    }

    private static void Free(byte** strings)
    {
        for (var at = strings; *at != null; at++) Marshal.FreeCoTaskMem((nint)(*at));
        NativeMemory.Free(strings);
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int posix_openpt(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int grantpt(int master);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int unlockpt(int master);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ptsname_r(int master, byte* name, nuint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(int file, nuint request, void* argument);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int waitpid(int pid, int* status, int options);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_init(void* actions);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_destroy(void* actions);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_addopen(void* actions, int file, byte* path, int flags, uint mode);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_adddup2(void* actions, int from, int to);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_init(void* attributes);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_destroy(void* attributes);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_setflags(void* attributes, short flags);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int posix_spawnp(out int pid, string file, void* actions, void* attributes, byte** argv, byte** environment);
}
