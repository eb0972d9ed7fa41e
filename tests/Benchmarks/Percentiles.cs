namespace Troupe.Benchmarks;

public static class Percentiles
{
    /// <summary>The nearest-rank percentile of a non-empty sample.</summary>
    public static double Of(IReadOnlyCollection<double> sample, double percentile)
    {
        var sorted = sample.Order().ToList();
        return sorted[Math.Clamp((int)Math.Ceiling(percentile / 100 * sorted.Count) - 1, 0, sorted.Count - 1)];
    }
}
