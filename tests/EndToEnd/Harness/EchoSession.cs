using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace Troupe.EndToEnd.Harness;

/// <summary>
/// One TCP connection to an echo server in a guest: numbered lines go out all the time, and each must come back, once and in order.
/// </summary>
public sealed class EchoSession : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);
    private readonly TcpClient _client;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _work;
    private long _sent;
    private long _echoed;
    private TimeSpan _longestGap;

    private EchoSession(TcpClient client)
    {
        _client = client;
        _work = Task.WhenAll(SendAsync(), ReceiveAsync());
    }

    public long Echoed => Interlocked.Read(ref _echoed);

    /// <summary>The longest time in which nothing came back.</summary>
    public TimeSpan LongestGap => _longestGap;

    /// <summary>Why the session is over; null while it goes on.</summary>
    public string? Broken => _work.IsFaulted ? _work.Exception.GetBaseException().Message : null;

    /// <summary>The longest silence since this was asked before.</summary>
    public TimeSpan TakeLongestGap()
    {
        var longest = _longestGap;
        _longestGap = TimeSpan.Zero;
        return longest;
    }

    public static async Task<EchoSession> OpenAsync(string address, int port)
    {
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(address, port);
        return new EchoSession(client);
    }

    /// <summary>Stops sending and waits until everything that was sent has come back.</summary>
    /// <exception cref="IOException">The session broke, or something came back wrong.</exception>
    public async Task FinishAsync()
    {
        await _stop.CancelAsync();
        await _work.WaitAsync(TimeSpan.FromSeconds(60));
        if (Echoed != _sent)
            throw new IOException($"{_sent} lines were sent and {Echoed} came back");
    }

    /// <summary>Waits until more lines have come back than by now.</summary>
    public Task MovesOnAsync()
    {
        var target = Echoed + 20;
        return Eventually.Get("the session goes on", () => Task.FromResult(_work.IsFaulted ? throw _work.Exception! : Echoed), e => e >= target, TimeSpan.FromSeconds(60));
    }

    public ValueTask DisposeAsync()
    {
        _stop.Cancel();
        _client.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task SendAsync()
    {
        var stream = _client.GetStream();
        using var timer = new PeriodicTimer(Interval);
        while (!_stop.IsCancellationRequested)
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"{_sent}\n"));
            _sent++;
            await timer.WaitForNextTickAsync();
        }

        _client.Client.Shutdown(SocketShutdown.Send);
    }

    private async Task ReceiveAsync()
    {
        using var reader = new StreamReader(_client.GetStream(), Encoding.ASCII);
        var since = Stopwatch.StartNew();
        while (await reader.ReadLineAsync() is { } line)
        {
            if (line != $"{Echoed}")
                throw new IOException($"'{line}' came back instead of {Echoed}");
            _longestGap = since.Elapsed > _longestGap ? since.Elapsed : _longestGap;
            since.Restart();
            Interlocked.Increment(ref _echoed);
        }
    }
}
