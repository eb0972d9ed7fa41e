using System.Net;
using System.Net.Sockets;
using Troupe.DevCluster.Nodes.Host;

namespace Troupe.DevCluster.Nodes.Network;

/// <summary>Connects to a port of a pod's loopback interface, which nobody outside its network namespace can reach.</summary>
internal static class NamespaceDialer
{
    /// <param name="netnsPath">Null for the host's own namespace.</param>
    /// <param name="port">TCP port.</param>
    /// <exception cref="SocketException">Nobody listens there.</exception>
    /// <exception cref="HostException">The namespace is gone.</exception>
    public static async Task<Socket> ConnectAsync(string? netnsPath, int port)
    {
        var socket = await CreateAsync(netnsPath);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static Task<Socket> CreateAsync(string? netnsPath)
    {
        if (netnsPath is null) return Task.FromResult(New());
        // A socket belongs for ever to the namespace of the thread that made it. The thread is not used for anything else afterwards.
        var made = new TaskCompletionSource<Socket>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            try
            {
                Native.EnterNetworkNamespace(netnsPath);
                made.SetResult(New());
            }
            catch (Exception failure) when (failure is HostException or IOException or SocketException)
            {
                made.SetException(failure);
            }
        })
        { IsBackground = true, Name = "netns-dialer" }.Start();
        return made.Task;
    }

    private static Socket New() => new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
}
