namespace Troupe.Kubernetes.Client;

/// <summary>Exponential backoff with full jitter: a random time up to a bound that doubles with every failure.</summary>
public sealed class Backoff(TimeSpan min, TimeSpan max)
{
    private int _failures;

    public TimeSpan Next() => Delay(_failures++, min, max, Random.Shared.NextDouble());

    public void Reset() => _failures = 0;

    /// <param name="jitter">From 0 to 1.</param>
    public static TimeSpan Delay(int failures, TimeSpan min, TimeSpan max, double jitter)
    {
        var bound = Math.Min(max.TotalMilliseconds, min.TotalMilliseconds * Math.Pow(2, Math.Min(failures, 30)));
        return TimeSpan.FromMilliseconds(Math.Max(min.TotalMilliseconds / 2, bound * jitter));
    }
}
