using System.ComponentModel;
using System.Runtime.InteropServices;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.Launcher.Sessions;

/// <summary>
/// The open sessions in this network namespace. A guest that moves takes those of its own along: without them, the first packet that it sends from
/// the target would not be known to belong to a session, and would have to wait for one of its peer's.
/// </summary>
internal static class SessionTable
{
    /// <summary>More would lengthen the guest's standstill; what is left out is taken up when its peer sends.</summary>
    public const int Limit = 4096;
    private const int BufferSize = 64 << 10;
    private const ushort ErrorMessage = 2, DoneMessage = 3;
    private const int AlreadyThere = 17;

    /// <summary>Those that concern one of the addresses, the most recently used ones first.</summary>
    /// <exception cref="IOException">The kernel does not answer: no connection tracking, or no right to it.</exception>
    public static IReadOnlyList<GuestSession> Read(IReadOnlyCollection<string> guestAddresses)
    {
        using var socket = new ConntrackSocket();
        socket.Send(ConntrackCodec.ListMessage);
        List<GuestSession> sessions = [];
        var buffer = new byte[BufferSize];
        while (true)
        {
            var rest = socket.Receive(buffer);
            while (rest.Length >= NetlinkWriter.HeaderSize)
            {
                var (length, type) = (MemoryMarshal.Read<int>(rest.Span), MemoryMarshal.Read<ushort>(rest.Span[4..]));
                if (type is DoneMessage)
                    return [.. sessions.OrderByDescending(s => s.TimeoutSeconds).Take(Limit)];
                if (type is ErrorMessage)
                    throw ConntrackSocket.Failure("list", -MemoryMarshal.Read<int>(rest.Span[NetlinkWriter.HeaderSize..]));
                if (ConntrackCodec.Read(rest[NetlinkWriter.HeaderSize..length]) is { } session && guestAddresses.Any(a => IsOf(session, a)))
                    sessions.Add(session);
                rest = rest[Math.Min(rest.Length, (length + 3) & ~3)..];
            }
        }
    }

    /// <summary>Adds those that concern one of the addresses. One that is there already is left as it is.</summary>
    /// <returns>How many were not taken, and why the last of them was not.</returns>
    /// <exception cref="IOException">The kernel does not answer.</exception>
    public static (int Refused, string? Reason) Add(IEnumerable<GuestSession> sessions, IReadOnlyCollection<string> guestAddresses)
    {
        using var socket = new ConntrackSocket();
        var buffer = new byte[BufferSize];
        var (refused, reason) = (0, default(string));
        foreach (var session in sessions.Where(s => guestAddresses.Any(a => IsOf(s, a))))
        {
            socket.Send(ConntrackCodec.CreateMessage(session));
            var answer = socket.Receive(buffer);
            if (-MemoryMarshal.Read<int>(answer.Span[NetlinkWriter.HeaderSize..]) is var error and not (0 or AlreadyThere))
                (refused, reason) = (refused + 1, new Win32Exception(error).Message);
        }

        return (refused, reason);
    }

    private static bool IsOf(GuestSession session, string address) => session.Client.Address == address || session.ReplyServer.Address == address;

    private sealed class ConntrackSocket : IDisposable
    {
        private readonly int _socket = ConntrackNative.Socket(ConntrackNative.NetlinkFamily, ConntrackNative.Raw | ConntrackNative.CloseOnExec, ConntrackNative.Netfilter);

        public ConntrackSocket()
        {
            if (_socket < 0)
                throw Failure("open", Marshal.GetLastPInvokeError());
        }

        public void Send(ReadOnlySpan<byte> message)
        {
            if (ConntrackNative.Send(_socket, message, message.Length, 0) < 0)
                throw Failure("send", Marshal.GetLastPInvokeError());
        }

        public ReadOnlyMemory<byte> Receive(byte[] buffer)
        {
            var count = ConntrackNative.Receive(_socket, buffer, buffer.Length, 0);
            return count >= NetlinkWriter.HeaderSize ? buffer.AsMemory(0, (int)count) : throw Failure("receive", Marshal.GetLastPInvokeError());
        }

        public void Dispose() => _ = ConntrackNative.Close(_socket);

        public static IOException Failure(string what, int error) => new($"connection tracking: {what}: {new Win32Exception(error).Message}");
    }
}
