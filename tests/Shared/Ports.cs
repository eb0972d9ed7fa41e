using System.Net;
using System.Net.Sockets;

namespace Troupe.Tests.Shared;

public static class Ports
{
    /// <summary>One that nobody listens on now, for a program that wants to be told its port.</summary>
    public static int Free()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
