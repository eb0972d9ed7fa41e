using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Api.Migrations;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.ControlPlane.Migration;

/// <summary>How migrations are done: the KubeVirt object's `spec.configuration.migrations`, and over it what a matching policy says.</summary>
/// <param name="Policy">Name of the policy, where one matches.</param>
public sealed record MigrationSettings(MigrationOptions Options, string? Policy, IReadOnlyList<string> Ignored)
{
    // KubeVirt's default.
    private const long DefaultCompletionTimeoutPerGiB = 150;
    private const long DefaultProgressTimeout = 150;
    private const int DefaultStreams = 8;

    /// <summary>KubeVirt's, where anything looks at it.</summary>
    private const long DefaultMaxDowntimeMs = 900;

    public static MigrationSettings Of(MigrationConfiguration? configuration, MigrationPolicy? policy)
    {
        var c = configuration ?? new MigrationConfiguration();
        var p = policy?.Spec;
        var bandwidth = (p?.BandwidthPerMigration ?? c.BandwidthPerMigration)?.Units ?? 0;
        var postCopy = p?.AllowPostCopy ?? c.AllowPostCopy ?? false;
        // As in KubeVirt: post-copy is one way to disturb the guest.
        var disruption = p?.AllowWorkloadDisruption ?? c.AllowWorkloadDisruption ?? postCopy;
        var (steps, stall) = (Steps(p?.Experimental?.DowntimeTuning), Stall(p?.Experimental?.StallDetector));
        return new MigrationSettings(
            new MigrationOptions(
                bandwidth,
                p?.MaxDowntimeMs ?? c.MaxDowntimeMs ?? (steps is null && stall is null ? 0 : DefaultMaxDowntimeMs),
                p?.AllowAutoConverge ?? c.AllowAutoConverge ?? false,
                // QEMU does not hold parallel streams to a limit.
                ParallelChannels: bandwidth > 0 ? 0 : DefaultStreams,
                c.UnsafeMigrationOverride ?? false,
                CopyDisks: true)
            {
                CompletionTimeoutPerGiB = p?.CompletionTimeoutPerGiB ?? c.CompletionTimeoutPerGiB ?? DefaultCompletionTimeoutPerGiB,
                ProgressTimeout = c.ProgressTimeout ?? DefaultProgressTimeout,
                AllowWorkloadDisruption = disruption,
                AllowPostCopy = postCopy && disruption,
                Network = c.Network is { Length: > 0 } network ? network : null,
                Compression = p?.Experimental?.Compression is { } method and not "none" ? method : null,
                DowntimeSteps = steps,
                StallDetection = stall,
            },
            policy?.Metadata.Name,
            [.. Unheeded(c, postCopy && !disruption)]);
    }

    private static DowntimeSteps? Steps(DowntimeTuningOptions? o) => o is null ? null : new(o.InitialMs ?? 150, o.Steps ?? 7, o.StartAfterIteration ?? 3, o.CooldownSeconds ?? 10);

    private static StallDetection? Stall(StallDetectorOptions? o) => o is null ? null : new(
        Margin: (o.StallMargin ?? 4) / 100.0, Window: o.StallProgressTimeout ?? 40, Switchover: o.SwitchoverTimeout ?? 60, Smoothing: Of(o.EwmaAlpha, 0.4),
        PrecopyPossible: Of(o.PrecopyPossibleFactor, 1.5), PatienceDecay: Of(o.PatienceWindowDecayFactor, 0.5), CompletionFactor: Of(o.CompletionTimeoutFactor, 2), o.SearchLocalMinima ?? true);

    private static double Of(Quantity? factor, double otherwise) => factor is { } f ? (double)f.Value : otherwise;

    private static IEnumerable<string> Unheeded(MigrationConfiguration c, bool mayNotDisturb)
    {
        if (mayNotDisturb)
            yield return "allowPostCopy: allowWorkloadDisruption is false, and post-copy is one";
        if (c.DisableTLS is true)
            yield return "disableTLS: migrations are always encrypted";
    }
}

/// <summary>Which policy holds for a VMI.</summary>
public static class MigrationPolicies
{
    /// <summary>The one with the most labels that match; then the one with more of them on the VMI; then the first by name.</summary>
    public static MigrationPolicy? Match(IEnumerable<MigrationPolicy> policies, IReadOnlyDictionary<string, string>? vmiLabels, IReadOnlyDictionary<string, string>? namespaceLabels) => policies
        .Where(p => p.Spec?.Selectors is { } s && Matches(s.VirtualMachineInstanceSelector, vmiLabels) && Matches(s.NamespaceSelector, namespaceLabels))
        .OrderByDescending(p => Count(p.Spec!.Selectors!.VirtualMachineInstanceSelector) + Count(p.Spec!.Selectors!.NamespaceSelector))
        .ThenByDescending(p => Count(p.Spec!.Selectors!.VirtualMachineInstanceSelector))
        .ThenBy(p => p.Metadata.Name, StringComparer.Ordinal)
        .FirstOrDefault();

    private static bool Matches(IReadOnlyDictionary<string, string>? selector, IReadOnlyDictionary<string, string>? labels) =>
        (selector ?? new Dictionary<string, string>()).All(s => labels is not null && labels.TryGetValue(s.Key, out var value) && value == s.Value);

    private static int Count(IReadOnlyDictionary<string, string>? selector) => selector?.Count ?? 0;
}
