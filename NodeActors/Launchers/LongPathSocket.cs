using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Troupe.NodeActors.Launchers;

/// <summary>Connects to a unix socket whose path is longer than the 108 bytes an address holds.</summary>
public static partial class LongPathSocket
{
    // fcntl.h, x86-64 and arm64.
    private const int O_PATH = 0x200000;
    private const int O_CLOEXEC = 0x80000;

    /// <exception cref="SocketException">Nobody listens.</exception>
    /// <exception cref="IOException">The folder does not exist.</exception>
    public static async Task<Socket> ConnectAsync(string folder, string name, CancellationToken ct)
    {
        using var directory = new SafeFileHandle(Open(folder, O_PATH | O_CLOEXEC), ownsHandle: true);
        if (directory.IsInvalid)
            throw new IOException($"{folder}: {Marshal.GetLastPInvokeErrorMessage()}");
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            // The kernel resolves the magic link, so the address stays short.
            await socket.ConnectAsync(new UnixDomainSocketEndPoint($"/proc/self/fd/{directory.DangerousGetHandle()}/{name}"), ct).ConfigureAwait(false);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Pid of the process at the other end, in this process's PID namespace.</summary>
    public static int PeerPid(Socket socket)
    {
        // SOL_SOCKET, SO_PEERCRED: struct ucred { pid_t pid; uid_t uid; gid_t gid; }
        Span<byte> credentials = stackalloc byte[12];
        socket.GetRawSocketOption(1, 17, credentials);
        return MemoryMarshal.Read<int>(credentials);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);
}
