using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;
using Troupe.Messages.Protocol.Vmi;

namespace Troupe.ControlPlane.Vmi;

/// <summary>The VMI's conditions, in KubeVirt's words.</summary>
internal static class VmiConditions
{
    private static readonly string[] Owned =
    [
        Conditions.Ready, Conditions.Synchronized, Conditions.Paused, Conditions.AgentConnected, Conditions.PodScheduled, Conditions.EvictionRequested, Migration.LiveMigratable.Condition,
        MigrationProgressing, Conditions.HotVCPUChange, Conditions.HotMemoryChange, Conditions.MigrationRequired, Conditions.AccessCredentialsSynchronized, Migration.LiveMigratable.StorageCondition, Migration.StorageMigration.Condition,
    ];

    /// <summary>Troupe's own: what is done so that a migration that takes its time ends, and how long that will take.</summary>
    public const string MigrationProgressing = "MigrationProgressing";

    public const string PausedByUser = "PausedByUser";

    /// <summary>A sentence where a word should be, but KubeVirt's.</summary>
    private const string SyncFailed = "Synchronizing with the Domain failed.";

    private sealed record Wanted(string Type, string Status, string? Reason = null, string? Message = null);

    /// <summary>Conditions of other types stay; a transition time moves only with the status.</summary>
    public static IReadOnlyList<VirtualMachineInstanceCondition> Of(IReadOnlyList<VirtualMachineInstanceCondition> current, VmiState state, DateTimeOffset now)
    {
        var wanted = new[]
        {
            OfDomain(Conditions.Ready, Ready(state)), Synchronized(state), OfDomain(Conditions.Paused, Paused(state)), OfDomain(Conditions.AgentConnected, Agent(state, now)), PodScheduled(state), Migratable(state), StorageMigratable(state), VolumesChange(state),
            OfDomain(MigrationProgressing, Migrating(state)), Eviction(state), OfDomain(Conditions.HotVCPUChange, CpuChange(state)), OfDomain(Conditions.HotMemoryChange, MemoryChange(state)),
            OfDomain(Conditions.MigrationRequired, Move(state, current, now)), OfDomain(Conditions.AccessCredentialsSynchronized, Credentials(state)),
        }.OfType<Wanted>();
        return
        [
            .. current.Where(c => !Owned.Contains(c.Type)),
            .. wanted.Select(w => current.FirstOrDefault(c => c.Type == w.Type) is { } old && old.Status == w.Status
                ? old with { Reason = w.Reason, Message = w.Message }
                : new VirtualMachineInstanceCondition { Type = w.Type, Status = w.Status, Reason = w.Reason, Message = w.Message, LastTransitionTime = now }),
        ];

        // After a restart of the control plane the node says in a moment how the guest is; until then it is as it was.
        Wanted? OfDomain(string type, Wanted? known) =>
            state is { Phase: VmiPhases.Running, Report: null } && current.FirstOrDefault(c => c.Type == type) is { } before ? new(type, before.Status!, before.Reason, before.Message) : known;
    }

    private static Wanted Ready(VmiState state) => state switch
    {
        { Phase: VmiPhases.Running } when state.Domain?.State is DomainState.Paused || IsPausedToMigrate(state) => new(Conditions.Ready, "False", "GuestNotRunning", "Guest VM is paused"),
        { Phase: VmiPhases.Running, Pod.Deleting: true } => new(Conditions.Ready, "False", "PodTerminating", "virt-launcher pod is terminating"),
        { Phase: VmiPhases.Running, Pod: { ContainersReady: false, ReadyCondition: var pod }, Vmi.Spec.ReadinessProbe: not null } => new(Conditions.Ready, "False", pod?.Reason ?? "ContainersNotReady", pod?.Message),
        { Phase: VmiPhases.Running } => new(Conditions.Ready, "True"),
        { PodIsGone: true } => new(Conditions.Ready, "False", "PodNotExists", "virt-launcher pod has not yet been scheduled"),
        _ => new(Conditions.Ready, "False", "GuestNotRunning", "Guest VM is not reported as running"),
    };

    private static Wanted? Synchronized(VmiState state) => state switch
    {
        { Phase: VmiPhases.Failed, Reason: "InvalidSpec" or "Unsupported" or DomainVerdict.NotStarted } => new(Conditions.Synchronized, "False", state.Reason, state.Message),
        { IsFinal: true } => null,
        { Refusal: { Fatal: false } refusal } => new(Conditions.Synchronized, "False", SyncFailed, refusal.Message),
        { Refusal: { } refusal } => new(Conditions.Synchronized, "False", refusal.Reason, refusal.Message),
        { ChangeRefused: { } refusal } => new(Conditions.Synchronized, "False", refusal.Reason, refusal.Message),
        { PodName: not null, Pod: null, Right: null, Vmi: { } vmi } when state.Storage.Missing(vmi) is var (reason, message) => new(Conditions.Synchronized, "False", reason, message),
        { PodName: not null, Pod: null, Right: null, Vmi: { } vmi } when state.Settings.Problem(vmi) is { } problem => new(Conditions.Synchronized, "False", "FailedCreate", problem),
        { CreateError: { } error } => new(Conditions.Synchronized, "False", "FailedCreate", error),
        { Pod: { WaitingReason: "ErrImagePull" or "ImagePullBackOff" or "InvalidImageName" or "CreateContainerConfigError" or "FailedMount" } pod } =>
            new(Conditions.Synchronized, "False", pod.WaitingReason, pod.WaitingMessage),
        { Phase: VmiPhases.Scheduling, Pod.Ready: false, Trouble: { } trouble } => new(Conditions.Synchronized, "False", trouble.Reason, trouble.Message),
        _ => null,
    };

    private static bool IsPausedToMigrate(VmiState state) => Migration.MigrationStatus.Forecast(state)?.Strategy is MigrationStrategy.Paused;

    private static Wanted? Migrating(VmiState state) => Migration.MigrationStatus.Forecast(state) is { } forecast
        ? new(MigrationProgressing, "True", forecast.Strategy.ToString(), forecast.Message)
        : null;

    private static Wanted? Paused(VmiState state) => IsPausedToMigrate(state)
        ? new(Conditions.Paused, "True", "PausedByMigrationMonitor", "VMI was paused by the migration monitor")
        : PausedOtherwise(state);

    /// <summary>QEMU holds the guest still while it dumps its memory, which nobody has to resume.</summary>
    private static Wanted? PausedOtherwise(VmiState state) => state is { Phase: VmiPhases.Running, Domain: { State: DomainState.Paused, MemoryDump: not { EndedAt: null } } domain }
        ? domain.Reason is DomainReason.IoError
            ? new(Conditions.Paused, "True", "PausedIOError", "VMI was paused, low-level IO error detected")
            : new(Conditions.Paused, "True", PausedByUser, "VMI was paused by user")
        : null;

    /// <summary>All that stands in the way, not only the first: whoever clears one thing should not have to find the next one.</summary>
    private static Wanted? Migratable(VmiState state) => state is { Phase: VmiPhases.Running, Vmi: { } vmi }
        ? Migration.LiveMigratable.Blockers(vmi, state.Settings) is [var first, ..] all
            ? new(Migration.LiveMigratable.Condition, "False", first.Reason, string.Join(", ", all.Select(b => b == first ? b.Message : $"{b.Reason}: {b.Message}")))
            : new(Migration.LiveMigratable.Condition, "True")
        : null;

    private static Wanted? StorageMigratable(VmiState state) => state is { Phase: VmiPhases.Running, Vmi: { } vmi }
        ? Migration.LiveMigratable.StorageBlockers(vmi, state.Settings) is { Count: > 0 } all
            ? new(Migration.LiveMigratable.StorageCondition, "False", "NotMigratable", string.Join(", ", all.Select(b => $"{b.Reason}: {b.Message}")))
            : new(Migration.LiveMigratable.StorageCondition, "True")
        : null;

    /// <summary>Stays as it is when the guest ends: its machine sees by it that the volumes were on their way.</summary>
    private static Wanted? VolumesChange(VmiState state) => state switch
    {
        { Phase: VmiPhases.Running, Vmi: { } vmi } => Migration.StorageMigration.Change(state, vmi) is var (status, reason, message) ? new(Migration.StorageMigration.Condition, status, reason, message) : null,
        { IsFinal: true, Vmi: { } vmi } => vmi.Status?.Conditions?.FirstOrDefault(c => c.Type == Migration.StorageMigration.Condition) is { } last ? new(last.Type!, last.Status!, last.Reason, last.Message) : null,
        _ => null,
    };

    private static Wanted? Eviction(VmiState state) =>
        Migration.EvictionMark.Of(state) is null ? null : new(Conditions.EvictionRequested, "True", "EvictionRequested", "VMI is marked for eviction");

    private static Wanted? Agent(VmiState state, DateTimeOffset now) =>
        state is { Phase: VmiPhases.Running } && (state.Domain?.GuestAgent is { Connected: true } || Migration.MovedAgent.Left(state, now) is not null) ? new(Conditions.AgentConnected, "True") : null;

    /// <summary>While CPUs of the spec are still to be plugged in.</summary>
    private static Wanted? CpuChange(VmiState state) =>
        state is { Phase: VmiPhases.Running, Domain.Cpus: { } has, Vmi.Spec.Domain.Cpu: { Sockets: { } sockets, MaxSockets: not null } } && sockets != has.Sockets
            ? new(Conditions.HotVCPUChange, "True") : null;

    /// <summary>While the guest takes or gives memory.</summary>
    private static Wanted? MemoryChange(VmiState state) =>
        state is { Phase: VmiPhases.Running, Domain.Memory: { } has, Vmi.Spec.Domain.Memory: { Guest: { } wanted, MaxGuest: not null } } && wanted.Units != has.GuestCurrentBytes
            ? new(Conditions.HotMemoryChange, "True") : null;

    private static Wanted? Move(VmiState state, IReadOnlyList<VirtualMachineInstanceCondition> current, DateTimeOffset now) =>
        NetworkMove.Required(state, current.FirstOrDefault(c => c.Type == Conditions.MigrationRequired), now) is var (status, reason) ? new(Conditions.MigrationRequired, status, reason) : null;

    private static Wanted? Credentials(VmiState state) => state is { Phase: VmiPhases.Running, Domain.AccessCredentials: { } set }
        ? new(Conditions.AccessCredentialsSynchronized, set.Synchronized ? "True" : "False", Message: set.Message) : null;

    private static Wanted? PodScheduled(VmiState state) =>
        state is { Phase: VmiPhases.Pending or VmiPhases.Scheduling, Pod.Scheduled: PodConditionObservation { Status: "False" } scheduled }
            ? new(Conditions.PodScheduled, "False", scheduled.Reason, scheduled.Message)
            : null;
}
