using System.Runtime.InteropServices;

namespace Troupe.Launcher.Sessions;

/// <summary>Sockets of a family that .NET has no name for. Names and numbers are Linux'.</summary>
internal static partial class ConntrackNative
{
    // linux/socket.h, linux/netlink.h
    public const int NetlinkFamily = 16, Raw = 3, CloseOnExec = 0x80000, Netfilter = 12;

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    public static partial int Socket(int family, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    public static partial nint Send(int socket, ReadOnlySpan<byte> message, nint length, int flags);

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    public static partial nint Receive(int socket, Span<byte> buffer, nint length, int flags);

    [LibraryImport("libc", EntryPoint = "close")]
    public static partial int Close(int socket);
}
