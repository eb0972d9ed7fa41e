using System.Text.Json;
using System.Text.Json.Serialization;
using Troupe.Stress.Simulation;

namespace Troupe.Stress.Migration;

/// <summary>Milliseconds.</summary>
public sealed record Distribution(int Count, double P50, double P95, double P99, double Max)
{
    public static Distribution Of(IEnumerable<TimeSpan> sample)
    {
        var sorted = sample.Select(t => t.TotalMilliseconds).Order().ToList();
        double At(double share) => sorted.Count == 0 ? 0 : Math.Round(sorted[Math.Clamp((int)Math.Ceiling(share * sorted.Count) - 1, 0, sorted.Count - 1)], 1);
        return new Distribution(sorted.Count, At(0.5), At(0.95), At(0.99), At(1));
    }
}

/// <summary>What a stress run did and found.</summary>
/// <param name="Mode"><c>simulated</c> or <c>real</c>.</param>
/// <param name="Faults">How often each was done.</param>
/// <param name="Losses">Guests that are gone because what had them was killed on purpose.</param>
/// <param name="Violations">What must never happen: empty for a run that passed.</param>
/// <param name="Leaks">What was left when everything had come to rest: empty for a run that passed.</param>
public sealed record StressReport(
    string Mode, StressOptions Options, DateTimeOffset StartedAt, TimeSpan Took, IReadOnlyDictionary<string, int> Migrations, IReadOnlyDictionary<string, int> FailureReasons,
    Distribution TotalMs, Distribution DowntimeMs, IReadOnlyDictionary<string, int> Faults, int Losses, long TcpLosses, long DiskLosses,
    IReadOnlyList<Violation> Violations, IReadOnlyList<string> Leaks)
{
    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.CamelCase, Converters = { new JsonStringEnumConverter() } };

    /// <summary>Emulated guests whose kernel panicked: QEMU's emulation can lose a dirty page (docs/stress.md). Under KVM they would be violations.</summary>
    public int EmulatedPanics { get; init; }

    /// <summary>What the control plane wrote to the API server while guests moved, for each migration that ended; by verb and resource.</summary>
    public IReadOnlyDictionary<string, double> WritesPerMigration { get; init; } = new Dictionary<string, double>();

    /// <summary>Milliseconds of CPU for each migration that ended, while guests moved: the control plane with all its starts.</summary>
    public double ControlPlaneCpuMs { get; init; }

    /// <summary>The same of API server, agents and simulation, which are one process.</summary>
    public double OthersCpuMs { get; init; }

    /// <summary>The most memory that the control plane took, MiB.</summary>
    public double ControlPlanePeakMiB { get; init; }

    [JsonIgnore]
    public bool Passed => Violations.Count == 0 && Leaks.Count == 0 && TcpLosses == 0 && DiskLosses == 0 && Migrations.GetValueOrDefault("Unfinished") == 0;

    public static IReadOnlyDictionary<string, int> Count(IEnumerable<string> words) => words.GroupBy(w => w).OrderByDescending(g => g.Count()).ToDictionary(g => g.Key, g => g.Count());

    /// <summary>As text for people who look at a terminal.</summary>
    public string Summary() => $"""
        {Mode} stress, seed {Options.Seed}: {Options.Guests} guests on {Options.Nodes} nodes, {Options.Duration.TotalMinutes:0.#} min ({Took.TotalMinutes:0.0} min in all): {(Passed ? "passed" : "FAILED")}
          migrations  {Words(Migrations)}
          failures    {Words(FailureReasons)}
          total       P50 {TotalMs.P50:0} ms, P95 {TotalMs.P95:0} ms, P99 {TotalMs.P99:0} ms, max {TotalMs.Max:0} ms
          downtime    P50 {DowntimeMs.P50:0} ms, P95 {DowntimeMs.P95:0} ms, P99 {DowntimeMs.P99:0} ms, max {DowntimeMs.Max:0} ms
          faults      {Words(Faults)}
          API writes  {WritesPerMigration.Values.Sum():0.0} a migration{string.Concat(WritesPerMigration.OrderByDescending(w => w.Value).Select(w => $", {w.Value:0.0} {w.Key}"))}
          CPU         {Cost}
          guests lost with what had them: {Losses}; TCP losses {TcpLosses}; disk losses {DiskLosses}; emulated guests whose kernel panicked: {EmulatedPanics}
          violations  {Lines(Violations.Select(v => $"{v.At:HH:mm:ss.fff} {v.VmiUid}: {v.Law}: {v.What}"))}
          leaks       {Lines(Leaks)}
        """;

    /// <summary>Writes <c>NAME.json</c> and <c>NAME.html</c>.</summary>
    public async Task WriteAsync(string folder, string name)
    {
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(Path.Combine(folder, $"{name}.json"), JsonSerializer.Serialize(this, Json));
        await File.WriteAllTextAsync(Path.Combine(folder, $"{name}.html"), StressPage.Of(this));
    }

    private string Cost => ControlPlanePeakMiB == 0 ? "not measured"
        : $"{ControlPlaneCpuMs:0} ms a migration of the control plane (at most {ControlPlanePeakMiB:0} MiB), {OthersCpuMs:0} ms of API server, agents and simulation";

    private static string Words(IReadOnlyDictionary<string, int> counts) => counts.Count == 0 ? "none" : string.Join(", ", counts.Select(c => $"{c.Value} {c.Key}"));

    private static string Lines(IEnumerable<string> lines)
    {
        const int Shown = 20;
        var all = lines.ToList();
        return all.Count == 0 ? "none" : string.Concat(all.Take(Shown).Select(l => $"\n    {l}")) + (all.Count > Shown ? $"\n    and {all.Count - Shown} more, in the report" : "");
    }
}
