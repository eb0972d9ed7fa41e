using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Troupe.NodeActors.Streams;

/// <summary>The way to the VSOCK ports of this node's guests.</summary>
public interface IVsock
{
    /// <exception cref="IOException">Nobody listens there, or this node has no VSOCK.</exception>
    Task<Stream> ConnectAsync(long contextId, long port, CancellationToken ct);
}

/// <summary>The kernel's. .NET knows no such addresses.</summary>
public sealed partial class HostVsock : IVsock
{
    private const string Device = "/dev/vhost-vsock";

    // linux/socket.h and bits/socket_type.h, x86-64 and arm64.
    private const int AddressFamily = 40;
    private const int StreamType = 1;
    private const int CloseOnExec = 0x80000;

    public Task<Stream> ConnectAsync(long contextId, long port, CancellationToken ct)
    {
        if (!File.Exists(Device))
            throw new IOException($"this node has no {Device}");
        // The kernel gives up by itself after two seconds.
        return Task.Run(() => Connect((uint)contextId, (uint)port), ct);
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
