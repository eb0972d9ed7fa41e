using System.Globalization;
using Troupe.ControlPlane.Vmi;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.ControlPlane.Migration;

/// <summary>`status.migrationState` of the VMI: the story of its latest migration.</summary>
internal static class MigrationStatus
{
    public static VirtualMachineInstanceMigrationState? Of(VmiState state, VirtualMachineInstanceMigrationState? current)
    {
        var migration = state.Moving.Ongoing ?? state.Moving.Past.LastOrDefault();
        if (migration is null)
            return current;
        // A story that is told is not told anew from less knowledge, as after a restart.
        var shown = current?.MigrationUid == migration.Id ? current : new VirtualMachineInstanceMigrationState { MigrationUid = migration.Id };
        var moved = migration.Step is MigrationStep.HandedOver;
        var ongoing = state.Moving.Ongoing is not null;
        var wish = ongoing && state.Moving.Wish?.MigrationId == migration.Id ? state.Moving.Wish : null;
        var target = ongoing ? MigrationView.OfAttempt(moved ? state.Report : state.Moving.TargetReport, migration) : null;
        // The right has moved, and some of the memory has not.
        var arriving = ongoing && moved && migration.PostCopy && target?.Target is not TargetStage.Running;
        var failed = migration.Step is MigrationStep.Failed || migration.Lost is not null;
        return shown with
        {
            SourceNode = shown.SourceNode ?? (moved ? state.Moving.Departed : state.Right)?.Node,
            SourcePod = shown.SourcePod ?? (moved ? state.Moving.DepartedPod : state.PodName),
            TargetNode = migration.TargetNode ?? shown.TargetNode,
            TargetPod = migration.PodName,
            TargetAttachmentPodUID = migration.TargetPodUid is { } pod && state.Storage.Attachments.Values.Where(a => a.LauncherPodUid == pod).MinBy(a => a.Name, StringComparer.Ordinal) is { } attached ? attached.Uid : shown.TargetAttachmentPodUID,
            SourcePersistentStatePVCName = migration.State?.Source,
            TargetPersistentStatePVCName = migration.State?.Target,
            TargetNodeAddress = target?.Endpoint?.Address ?? shown.TargetNodeAddress,
            MigrationNetworkType = target?.Endpoint is null || wish is null ? shown.MigrationNetworkType : wish.Options.Network is null ? "Pod" : "Migration",
            TargetNodeDomainDetected = target?.Target is TargetStage.Loaded or TargetStage.Arriving or TargetStage.Running ? true : shown.TargetNodeDomainDetected,
            TargetNodeDomainReadyTimestamp = target?.Target is TargetStage.Arriving or TargetStage.Running ? shown.TargetNodeDomainReadyTimestamp ?? migration.EndedAt : shown.TargetNodeDomainReadyTimestamp,
            StartTimestamp = migration.StartedAt ?? shown.StartTimestamp,
            EndTimestamp = arriving ? shown.EndTimestamp : migration.EndedAt ?? shown.EndTimestamp,
            MigrationPolicyName = wish is null ? shown.MigrationPolicyName : wish.Policy,
            MigrationConfiguration = wish is null ? shown.MigrationConfiguration : Configuration(wish.Options),
            Mode = migration.StartedAt is null ? shown.Mode
                : migration.PostCopy ? "PostCopy"
                : Forecast(state)?.Strategy is MigrationStrategy.Paused ? "Paused"
                : shown.Mode ?? "PreCopy",
            Completed = migration.IsSettled && !arriving ? true : shown.Completed,
            Failed = failed ? true : shown.Failed,
            FailureReason = failed ? migration.Lost ?? migration.Message : shown.FailureReason,
            AbortRequested = migration.Step is MigrationStep.Aborting ? true : shown.AbortRequested,
            AbortStatus = migration.Step switch
            {
                MigrationStep.Aborting => "Aborting",
                MigrationStep.Failed when shown.AbortRequested is true => "Succeeded",
                MigrationStep.HandedOver when shown.AbortRequested is true => "Failed",
                _ => shown.AbortStatus,
            },
        };
    }

    /// <summary>What the source does about a copy that takes its time; null when there is none, or none worth a word.</summary>
    public static MigrationForecast? Forecast(VmiState state) => state.Moving.Ongoing switch
    {
        { IsInTheSourcesHands: true } migration => MigrationView.OfAttempt(state.Report, migration)?.Forecast,
        { Step: MigrationStep.HandedOver, PostCopy: true } migration when MigrationView.OfAttempt(state.Report, migration) is { Target: TargetStage.Arriving } =>
            new MigrationForecast(MigrationStrategy.PostCopy, "the guest runs at the target, and what is left of its memory follows (post-copy)"),
        _ => null,
    };

    private static VMIMConfigurationOptions Configuration(MigrationOptions options) => new()
    {
        AllowAutoConverge = options.AutoConverge,
        AllowPostCopy = options.AllowPostCopy,
        AllowWorkloadDisruption = options.AllowWorkloadDisruption,
        BandwidthPerMigration = Quantity.FromBytes(options.BandwidthBytesPerSecond),
        CompletionTimeoutPerGiB = options.CompletionTimeoutPerGiB,
        MaxDowntimeMs = options.MaxDowntimeMs > 0 ? options.MaxDowntimeMs : null,
        ProgressTimeout = options.ProgressTimeout,
        UnsafeMigrationOverride = options.AllowUnsafe,
        Experimental = options is { Compression: null, DowntimeSteps: null, StallDetection: null } ? null : new ExperimentalMigrationOptions
        {
            Compression = options.Compression,
            DowntimeTuning = options.DowntimeSteps is { } d ? new DowntimeTuningOptions { InitialMs = d.InitialMs, Steps = d.Steps, StartAfterIteration = d.StartAfterIteration, CooldownSeconds = d.CooldownSeconds } : null,
            StallDetector = options.StallDetection is { } s ? Detector(s) : null,
        },
    };

    private static StallDetectorOptions Detector(StallDetection s) => new()
    {
        StallMargin = (long)Math.Round(s.Margin * 100),
        StallProgressTimeout = (long)s.Window,
        SwitchoverTimeout = (long)s.Switchover,
        EwmaAlpha = Factor(s.Smoothing),
        PrecopyPossibleFactor = Factor(s.PrecopyPossible),
        PatienceWindowDecayFactor = Factor(s.PatienceDecay),
        CompletionTimeoutFactor = Factor(s.CompletionFactor),
        SearchLocalMinima = s.SearchLocalMinima,
    };

    private static Quantity Factor(double value) => new(value.ToString("0.###", CultureInfo.InvariantCulture));
}
