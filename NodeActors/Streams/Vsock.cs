using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Troupe.NodeActors.Streams;

/// <summary>Those who come to one of this node's ports.</summary>
public interface IStreamListener : IDisposable
{
    Task<Stream> AcceptAsync(CancellationToken ct);
}

/// <summary>The way to the VSOCK ports of this node's guests, and theirs to the node's own.</summary>
public interface IVsock
{
    /// <exception cref="IOException">Nobody listens there, or this node has no VSOCK.</exception>
    Task<Stream> ConnectAsync(long contextId, long port, CancellationToken ct);

    /// <exception cref="IOException">Somebody else has the port, or this node has no VSOCK.</exception>
    IStreamListener Listen(uint port);
}

/// <summary>The kernel's. .NET knows no such addresses.</summary>
public sealed partial class HostVsock : IVsock
{
    private const string Device = "/dev/vhost-vsock";

    // linux/socket.h and bits/socket_type.h, x86-64 and arm64.
    private const int AddressFamily = 40;
    private const int StreamType = 1;
    private const int CloseOnExec = 0x80000;
    private const uint HostContextId = 2;
    private const int Backlog = 16;
    private const short Readable = 1;

    /// <summary>How long a listener may go on after it is told to stop: nothing else wakes a thread that waits for a socket.</summary>
    private const int PollMilliseconds = 500;

    public Task<Stream> ConnectAsync(long contextId, long port, CancellationToken ct)
    {
        Check();
        // The kernel gives up by itself after two seconds.
        return Task.Run(() => Connect((uint)contextId, (uint)port), ct);
    }

    public IStreamListener Listen(uint port)
    {
        Check();
        var handle = new SafeFileHandle(Socket(AddressFamily, StreamType | CloseOnExec, 0), ownsHandle: true);
        var address = new Address { Family = AddressFamily, ContextId = HostContextId, Port = port };
        if (!handle.IsInvalid && Bind(handle, address, Marshal.SizeOf<Address>()) == 0 && Listen(handle, Backlog) == 0)
            return new Listener(handle);
        var error = Marshal.GetLastPInvokeErrorMessage();
        handle.Dispose();
        throw new IOException($"VSOCK port {port} of the host: {error}");
    }

    private static void Check()
    {
        if (!File.Exists(Device))
            throw new IOException($"this node has no {Device}");
    }

    private static Stream Connect(uint contextId, uint port)
    {
        var handle = new SafeFileHandle(Socket(AddressFamily, StreamType | CloseOnExec, 0), ownsHandle: true);
        var address = new Address { Family = AddressFamily, ContextId = contextId, Port = port };
        if (!handle.IsInvalid && Connect(handle, address, Marshal.SizeOf<Address>()) == 0)
            return new FileStream(handle, FileAccess.ReadWrite, bufferSize: 0);
        var error = Marshal.GetLastPInvokeErrorMessage();
        handle.Dispose();
        throw new IOException($"VSOCK {contextId}:{port}: {error}");
    }

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    private static partial int Socket(int family, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "connect", SetLastError = true)]
    private static partial int Connect(SafeFileHandle socket, in Address address, int length);

    [LibraryImport("libc", EntryPoint = "bind", SetLastError = true)]
    private static partial int Bind(SafeFileHandle socket, in Address address, int length);

    [LibraryImport("libc", EntryPoint = "listen", SetLastError = true)]
    private static partial int Listen(SafeFileHandle socket, int backlog);

    [LibraryImport("libc", EntryPoint = "accept4", SetLastError = true)]
    private static partial int Accept(SafeFileHandle socket, nint address, nint length, int flags);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll(ref PollEntry entries, nuint count, int milliseconds);

    private sealed class Listener(SafeFileHandle socket) : IStreamListener
    {
        public Task<Stream> AcceptAsync(CancellationToken ct) => Task.Factory.StartNew(() => Accept(ct), ct, TaskCreationOptions.LongRunning, TaskScheduler.Default);

        public void Dispose() => socket.Dispose();

        private Stream Accept(CancellationToken ct)
        {
            while (true)
            {
                ct.ThrowIfCancellationRequested();
                var entry = new PollEntry { Descriptor = (int)socket.DangerousGetHandle(), Events = Readable };
                if (Poll(ref entry, 1, PollMilliseconds) <= 0)
                    continue;
                var handle = new SafeFileHandle(HostVsock.Accept(socket, 0, 0, CloseOnExec), ownsHandle: true);
                if (!handle.IsInvalid)
                    return new FileStream(handle, FileAccess.ReadWrite, bufferSize: 0);
            }
        }
    }

    /// <summary>struct pollfd.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct PollEntry
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    /// <summary>struct sockaddr_vm.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 16)]
    private struct Address
    {
        public ushort Family;
        public ushort Reserved;
        public uint Port;
        public uint ContextId;
    }
}
