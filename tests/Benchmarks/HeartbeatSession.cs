using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Troupe.Benchmarks;

/// <param name="PeerMs">The longest time in which the TCP peer heard nothing.</param>
/// <param name="ClockMs">How far the guest's clock fell behind: that is how long the guest itself stood still.</param>
internal sealed record Interruption(double PeerMs, double ClockMs);

/// <summary>A TCP connection to a guest that writes a numbered line with its own clock every few milliseconds (the demo guest's `heartbeat`). The peer only listens.</summary>
internal sealed class HeartbeatSession : IAsyncDisposable
{
    /// <summary>Between two lines, ms.</summary>
    public const int Interval = 5;
    public const int Port = 7;
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(1);
    private readonly TcpClient _client;
    private readonly Task _reading;
    private readonly Stopwatch _clock = Stopwatch.StartNew();

    /// <summary>Host's and guest's clock at each line, ms.</summary>
    private readonly List<(double Host, double Guest)> _beats = [];
    private readonly Lock _gate = new();

    private HeartbeatSession(TcpClient client)
    {
        _client = client;
        _reading = ReadAsync();
    }

    public static async Task<HeartbeatSession> OpenAsync(string address)
    {
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(address, Port);
        return new HeartbeatSession(client);
    }

    /// <exception cref="IOException">The session broke, or a line is missing.</exception>
    public async Task<Interruption> DuringAsync(Func<Task> act)
    {
        await Task.Delay(Window);
        var from = Count();
        await act();
        await Task.Delay(Window);
        if (_reading.IsCompleted)
            await _reading;
        lock (_gate)
        {
            if (_beats.Count == from)
                throw new IOException("nothing was heard from the guest any more");
            var peer = Enumerable.Range(from, _beats.Count - from).Max(i => _beats[i].Host - _beats[i - 1].Host);
            return new Interruption(peer, Behind(_beats.Count) - Behind(from));
        }
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await Task.WhenAny(_reading);
    }

    private int Count()
    {
        lock (_gate)
            return _beats.Count;
    }

    /// <summary>Of the last second before a line, the line that was the least delayed on its way.</summary>
    private double Behind(int before)
    {
        var end = _beats[before - 1].Host;
        return _beats.Take(before).Reverse().TakeWhile(b => end - b.Host < Window.TotalMilliseconds).Min(b => b.Host - b.Guest);
    }

    private async Task ReadAsync()
    {
        using var reader = new StreamReader(_client.GetStream(), Encoding.ASCII);
        long expected = 0;
        // HEARTBEAT 17 mono=12.345 wall=1732.123
        while (await reader.ReadLineAsync() is { } line)
        {
            var words = line.Split(' ');
            expected = expected == 0 ? long.Parse(words[1], CultureInfo.InvariantCulture) : expected + 1;
            if (words[1] != expected.ToString(CultureInfo.InvariantCulture))
                throw new IOException($"line {expected} is missing: {line}");
            lock (_gate)
                _beats.Add((_clock.Elapsed.TotalMilliseconds, double.Parse(words[2]["mono=".Length..], CultureInfo.InvariantCulture) * 1000));
        }

        throw new IOException("the guest closed the connection");
    }
}
