namespace Troupe.Launcher.Server;

/// <summary>A guest that does not start is not tried for ever: when the time is up, the launcher gives up, and the VMI fails with it.</summary>
internal sealed class StartDeadline : IDisposable
{
    private readonly TimeSpan _timeout;
    private readonly Action<string> _giveUp;
    private readonly ITimer _timer;
    private readonly Lock _gate = new();
    private bool _isTrying;
    private bool _isMet;
    private bool _isOver;
    private string? _error;

    /// <param name="giveUp">Called at most once, with the reason.</param>
    public StartDeadline(TimeProvider time, TimeSpan timeout, Action<string> giveUp)
    {
        (_timeout, _giveUp) = (timeout, giveUp);
        _timer = time.CreateTimer(_ => Change(() => _isOver = true), null, timeout, Timeout.InfiniteTimeSpan);
    }

    /// <summary>A start that is under way when the time is up may still succeed.</summary>
    public void Try() => Change(() => _isTrying = true);

    public void Failed(string error) => Change(() => (_isTrying, _error) = (false, error));

    /// <summary>The guest runs, or one is to come from elsewhere.</summary>
    public void Met() => Change(() => _isMet = true);

    public void Dispose() => _timer.Dispose();

    private void Change(Action change)
    {
        lock (_gate)
        {
            change();
            if (_isMet || _isTrying || !_isOver)
                return;
            _isMet = true;
        }

        _giveUp(_error is null ? $"nobody started a guest within {_timeout.TotalSeconds:0} s" : $"the guest did not start within {_timeout.TotalSeconds:0} s: {_error}");
    }
}
