using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Troupe.Launcher.Migration;

/// <summary>
/// A second owner of libvirt's connection to the target, in a process of its own. When the launcher dies, the kernel closes the launcher's
/// end a moment before it ends the rest of the pod, and libvirt, seeing that, would let the guest go on in this moment. So long as the
/// holder lives, too, it sees nothing.
/// </summary>
internal sealed partial class ConnectionHolder : IDisposable
{
    // SOL_SOCKET, SCM_RIGHTS, MSG_NOSIGNAL, and CMSG_LEN of one descriptor.
    private const int SolSocket = 1, ScmRights = 1, NoSignal = 0x4000, ControlLength = 20;
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(10);
    private readonly Process _process;
    private readonly Socket _socket;

    private ConnectionHolder(Process process, Socket socket) => (_process, _socket) = (process, socket);

    /// <summary>It is gone before it was told to go; what it held is held by the launcher alone.</summary>
    public event Action? Lost;

    /// <exception cref="IOException">There is no holder.</exception>
    public static async Task<ConnectionHolder> StartAsync(CancellationToken ct)
    {
        var path = PeerChannels.HolderSocket;
        File.Delete(path);
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen(1);
        var process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["--hold-connection", path]) { UseShellExecute = false })
            ?? throw new IOException("no process for holding libvirt's connection");
        try
        {
            var holder = new ConnectionHolder(process, await listener.AcceptAsync(ct).AsTask().WaitAsync(StartPatience, ct).ConfigureAwait(false));
            process.EnableRaisingEvents = true;
            process.Exited += (_, _) => holder.Lost?.Invoke();
            return holder;
        }
        catch (Exception e) when (e is TimeoutException or SocketException)
        {
            process.Kill();
            process.Dispose();
            throw new IOException($"holding libvirt's connection: {e.Message}", e);
        }
    }

    /// <summary>The holder's process: it need not even take what it is sent, which is its own as soon as it is sent. It ends with its pod.</summary>
    public static async Task<int> RunAsync(string path)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path)).ConfigureAwait(false);
        await Task.Delay(Timeout.InfiniteTimeSpan).ConfigureAwait(false);
        return 0;
    }

    /// <exception cref="IOException">It is not held.</exception>
    public unsafe void Hold(Socket connection)
    {
        byte one = 0;
        var data = new IoVector { Base = &one, Length = 1 };
        var control = new ControlMessage { Length = ControlLength, Level = SolSocket, Type = ScmRights, Descriptor = (int)connection.Handle };
        var message = new MessageHeader { Vectors = &data, VectorCount = 1, Control = &control, ControlLength = (nuint)sizeof(ControlMessage) };
        if (SendMessage((int)_socket.Handle, &message, NoSignal) < 0)
            throw new IOException($"holding libvirt's connection: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    public void Dispose()
    {
        Lost = null;
        _socket.Dispose();
        try
        {
            _process.Kill();
        }
        catch (InvalidOperationException)
        {
            // It has ended.
        }

        _process.Dispose();
    }

    [StructLayout(LayoutKind.Sequential)]
    private unsafe struct IoVector
    {
        public void* Base;
        public nuint Length;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct ControlMessage
    {
        public nuint Length;
        public int Level;
        public int Type;
        public int Descriptor;
    }

    [StructLayout(LayoutKind.Sequential)]
    private unsafe struct MessageHeader
    {
        public void* Name;
        public uint NameLength;
        public IoVector* Vectors;
        public nuint VectorCount;
        public void* Control;
        public nuint ControlLength;
        public int Flags;
    }

    [LibraryImport("libc", EntryPoint = "sendmsg", SetLastError = true)]
    private static unsafe partial nint SendMessage(int socket, MessageHeader* message, int flags);
}
