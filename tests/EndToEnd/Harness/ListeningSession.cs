using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Troupe.EndToEnd.Harness;

/// <summary>One TCP connection to a guest's `heartbeat`, whose numbered lines must all come, in order. Nothing is ever sent, so that only the guest can keep it going.</summary>
public sealed class ListeningSession : IAsyncDisposable
{
    private readonly TcpClient _client;
    private readonly Task _work;
    private long _heard;

    private ListeningSession(TcpClient client)
    {
        _client = client;
        _work = ReceiveAsync();
    }

    public static async Task<ListeningSession> OpenAsync(string address, int port)
    {
        var client = new TcpClient();
        await client.ConnectAsync(address, port);
        return new ListeningSession(client);
    }

    /// <summary>Waits until more lines have come than by now.</summary>
    public Task MovesOnAsync()
    {
        var target = Interlocked.Read(ref _heard) + 20;
        return Eventually.Get("the guest is heard", () => Task.FromResult(_work.IsCompleted ? throw _work.Exception?.GetBaseException() ?? new IOException("the session ended") : Interlocked.Read(ref _heard)), heard => heard >= target, TimeSpan.FromSeconds(60));
    }

    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task ReceiveAsync()
    {
        using var reader = new StreamReader(_client.GetStream(), Encoding.ASCII);
        for (long? last = null; await reader.ReadLineAsync() is { } line;)
        {
            var number = long.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture);
            if (number != (last ?? number - 1) + 1)
                throw new IOException($"line {number} came after {last}");
            last = number;
            Interlocked.Increment(ref _heard);
        }
    }
}
