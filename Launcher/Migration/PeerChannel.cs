using System.Buffers;
using System.Buffers.Binary;
using System.Net.Sockets;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.Launcher.Migration;

/// <summary>What a connection between two launchers carries; the first byte on it, before the attempt's epoch (8 bytes, big-endian).</summary>
internal enum PeerChannel : byte
{
    /// <summary>The launchers' own words.</summary>
    Control = 1,

    /// <summary>libvirt to libvirt.</summary>
    Rpc = 2,

    /// <summary>QEMU to QEMU: memory and devices.</summary>
    Memory = 3,

    /// <summary>QEMU to QEMU: disks, by NBD.</summary>
    Disks = 4,
}

internal static class PeerChannels
{
    public const int HeaderBytes = 9;

    /// <summary>Both ends use the same paths, each in its own pod: libvirt hands the target's on to the source.</summary>
    public static string Socket(PeerChannel channel) => $"{LauncherPaths.LibvirtRuntime}/troupe-{channel.ToString().ToLowerInvariant()}.sock";

    public static string HolderSocket => $"{LauncherPaths.LibvirtRuntime}/troupe-holder.sock";

    /// <summary>libvirt does not look after a peer that is silent, so the connection does: one that is gone is noticed within 20 s.</summary>
    public static void WatchPeer(Socket socket)
    {
        const int Seconds = 5;
        const int Retries = 3;
        const int UnansweredMs = 20_000;
        socket.NoDelay = true;
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, Seconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, Seconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, Retries);
        // IPPROTO_TCP, TCP_USER_TIMEOUT: for a peer that has not acknowledged what was sent, keepalive does not count.
        Span<byte> timeout = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(timeout, UnansweredMs);
        socket.SetRawSocketOption(6, 18, timeout);
    }

    public static byte[] Header(PeerChannel channel, long targetEpoch)
    {
        var header = new byte[HeaderBytes];
        header[0] = (byte)channel;
        BinaryPrimitives.WriteInt64BigEndian(header.AsSpan(1), targetEpoch);
        return header;
    }

    /// <summary>Copies both ways until either side ends; the caller closes them.</summary>
    /// <param name="outwards">How <paramref name="near"/> is copied, where that is no plain copying.</param>
    /// <param name="grace">How long a far side that has ended may have been so because the near one ends, too.</param>
    /// <returns>Whether <paramref name="near"/> ended.</returns>
    public static async Task<bool> RelayAsync(Stream near, Stream far, CancellationToken ct, Func<Task<bool>>? outwards = null, TimeSpan grace = default)
    {
        var there = outwards?.Invoke() ?? CopyAsync(near, far, ct);
        var back = CopyAsync(far, near, ct);
        var first = await Task.WhenAny(there, back).ConfigureAwait(false);
        if (first == there)
            return await there.ConfigureAwait(false);
        if (!await back.ConfigureAwait(false))
            return true;
        if (grace > TimeSpan.Zero)
            await Task.WhenAny(there, Task.Delay(grace, ct)).ConfigureAwait(false);
        return there.IsCompleted && await there.ConfigureAwait(false);
    }

    public static async Task<NetworkStream> ConnectAsync(string socket, CancellationToken ct)
    {
        var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await client.ConnectAsync(new UnixDomainSocketEndPoint(socket), ct).ConfigureAwait(false);
            return new NetworkStream(client, ownsSocket: true);
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <summary>What reading or writing a connection that is over throws.</summary>
    public static bool IsEnd(Exception e) => e is IOException or ObjectDisposedException or OperationCanceledException or SocketException;

    /// <returns>Whether it was <paramref name="from"/> that ended.</returns>
    private static async Task<bool> CopyAsync(Stream from, Stream to, CancellationToken ct)
    {
        const int Chunk = 128 * 1024;
        var buffer = ArrayPool<byte>.Shared.Rent(Chunk);
        try
        {
            while (true)
            {
                int read;
                try
                {
                    read = await from.ReadAsync(buffer, ct).ConfigureAwait(false);
                }
                catch (Exception e) when (IsEnd(e))
                {
                    return true;
                }

                if (read == 0)
                    return true;
                try
                {
                    await to.WriteAsync(buffer.AsMemory(0, read), ct).ConfigureAwait(false);
                }
                catch (Exception e) when (IsEnd(e))
                {
                    return false;
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
