using System.Text.Json.Nodes;
using Troupe.ControlPlane.Migration;
using Troupe.ControlPlane.Vmi.LauncherPod;
using Troupe.ControlPlane.Vmi.Volumes;
using Troupe.Kubernetes.Writers;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;
using Troupe.Messages.Protocol.Node;

namespace Troupe.ControlPlane.Vmi;

/// <summary>
/// The VMI object as it should read, given what the actor knows. Everything that others wrote stays; the status is a projection and
/// can be made again at any time.
/// </summary>
public static class VmiProjection
{
    /// <summary>
    /// One merge patch for labels, finalizers and status together (the VMI has no status subresource), or null when the object already says it all.
    /// </summary>
    public static JsonObject? Patch(VmiState state, DateTimeOffset now) =>
        state.Vmi is not { } current || state.Phase is null ? null : ObjectWriter.Patch(current, Wanted(current, state, now));

    /// <summary>Whether somebody may wait for what is to be written; what a guest agent tells bit by bit while its guest boots can wait for more.</summary>
    public static bool IsUrgent(VmiState state, DateTimeOffset now)
    {
        var current = state.Vmi!;
        // It has the right to run at the target, and comes to run there in a moment: one write for both.
        if (state is { Moving.Ongoing.Step: MigrationStep.HandedOver, Report.Launcher: not LauncherPresence.Lost, Domain.Migration.Target: TargetStage.Ready or TargetStage.Loaded, IsDeleting: false })
            return false;
        var wanted = Wanted(current, state, now);
        return current.Status?.Phase != state.Phase || state.IsDeleting || current.Metadata.Finalizers?.Contains(Finalizers.ForegroundDelete) is not true || current.Status?.NodeName != wanted.Status?.NodeName || current.Status?.VSOCKCID != wanted.Status?.VSOCKCID || !Shown(current).SequenceEqual(Shown(wanted));

        // That a VMI without a pod is not ready is no news; what follows within moments is.
        IEnumerable<(string?, string?, string?)> Shown(VirtualMachineInstance vmi) => (vmi.Status?.Conditions ?? [])
            .Where(c => c.Type != Conditions.AgentConnected && !(state.Phase is VmiPhases.Pending && c is { Type: Conditions.Ready, Status: "False" })).Select(c => (c.Type, c.Status, c.Reason)).Order();
    }

    /// <param name="current">Somebody else may have written it since the state was taken.</param>
    public static VirtualMachineInstance Wanted(VirtualMachineInstance current, VmiState state, DateTimeOffset now)
    {
        var known = state with { Vmi = current };
        return current with
        {
            Metadata = Metadata(current.Metadata, known),
            Status = Status(current, known, now),
        };
    }

    private static ObjectMeta Metadata(ObjectMeta metadata, VmiState state)
    {
        var others = (metadata.Finalizers ?? []).Where(f => f is not (Finalizers.ForegroundDelete or Finalizers.ForegroundDeleteLegacy)).ToList();
        // Kubernetes refuses a new finalizer on an object that is being deleted.
        var keep = VmiLifecycle.KeepsFinalizer(state) && (metadata.DeletionTimestamp is null || metadata.Finalizers?.Contains(Finalizers.ForegroundDelete) is true);
        IReadOnlyList<string> finalizers = keep ? [.. others, Finalizers.ForegroundDelete] : others;
        var labels = new Dictionary<string, string>(metadata.Labels ?? new Dictionary<string, string>());
        if (state.Right is { } right)
            labels[Labels.NodeName] = right.Node;
        if (state is { Phase: VmiPhases.Running, Pod.LauncherImage: { } image, LauncherImage: { } current } && image != current)
            labels[Labels.OutdatedLauncherImage] = "";
        else if (state.Pod?.LauncherImage is not null)
            labels.Remove(Labels.OutdatedLauncherImage);
        return metadata with
        {
            Finalizers = keep && metadata.Finalizers?.Contains(Finalizers.ForegroundDelete) is true ? metadata.Finalizers : finalizers.Count == 0 ? null : finalizers,
            Labels = labels.Count == 0 ? null : labels,
            Annotations = EvictionMark.Annotations(metadata.Annotations, state),
        };
    }

    private static VirtualMachineInstanceStatus Status(VirtualMachineInstance vmi, VmiState state, DateTimeOffset now)
    {
        var status = vmi.Status ?? new VirtualMachineInstanceStatus();
        var domain = state.Domain;
        return status with
        {
            Phase = state.Phase,
            Reason = state.IsFinal ? state.Reason : status.Reason,
            PhaseTransitionTimestamps = [.. state.Transitions.Select(t => new VirtualMachineInstancePhaseTransitionTimestamp { Phase = t.Phase, PhaseTransitionTimestamp = t.At })],
            NodeName = state.Right?.Node ?? status.NodeName,
            VSOCKCID = status.VSOCKCID ?? state.ContextId,
            EvacuationNodeName = EvictionMark.Of(state),
            ActivePods = state.Right is { } right ? ActivePods(right, state.Moving)
                : state.Pod is { } pod ? new Dictionary<string, string> { [pod.Uid] = pod.Node ?? "" } : status.ActivePods,
            QosClass = state.Pod?.QosClass ?? status.QosClass,
            LauncherContainerImageVersion = state.Pod?.LauncherImage ?? status.LauncherContainerImageVersion,
            MigrationTransport = "Unix",
            MigrationMethod = state.Phase is VmiPhases.Running ? LiveMigratable.Method(vmi) : status.MigrationMethod,
            MigrationState = MigrationStatus.Of(state, status.MigrationState),
            Machine = domain?.Machine is { } machine ? new Machine { Type = machine } : status.Machine,
            Memory = Memory(status, domain, vmi, state.Settings),
            Interfaces = domain is null ? status.Interfaces : Interfaces(status, GuestNics.Shown(state, vmi, domain.Interfaces.Select(i => Interface(i, vmi))), MovedAgent.Left(state, now) is not null),
            VolumeStatus = state.Right is null ? status.VolumeStatus : VolumeProjection.Of(status.VolumeStatus, state, GuestClaims.AsItIs(state, vmi)),
            MigratedVolumes = state.Phase is VmiPhases.Running ? StorageMigration.Shown(state, vmi) : status.MigratedVolumes,
            CurrentCPUTopology = domain?.Cpus is { } cpus ? new CPUTopology { Sockets = cpus.Sockets, Cores = cpus.Cores, Threads = cpus.Threads } : status.CurrentCPUTopology,
            FsFreezeStatus = domain?.GuestAgent?.FsFreezeStatus is "frozen" and var frozen ? frozen : null,
            GuestOSInfo = domain?.GuestAgent?.Os is { } os ? GuestOs(os) : status.GuestOSInfo ?? new VirtualMachineInstanceGuestOSInfo(),
            Conditions = VmiConditions.Of(status.Conditions ?? [], state, now),
        };
    }

    private static Dictionary<string, string> ActivePods(Right right, MigrationWatch moving)
    {
        Dictionary<string, string> pods = new() { [right.PodUid] = right.Node };
        if (moving.Ongoing is { IsSettled: false, TargetPodUid: { } uid, TargetNode: { } node })
            pods[uid] = node;
        return pods;
    }

    private static MemoryStatus? Memory(VirtualMachineInstanceStatus status, DomainObservation? domain, VirtualMachineInstance vmi, GuestSettings settings) => domain?.Memory is { } memory
        ? new MemoryStatus
        {
            GuestAtBoot = Quantity.FromBytes(memory.GuestAtBootBytes),
            GuestCurrent = Quantity.FromBytes(memory.GuestCurrentBytes),
            GuestRequested = Quantity.FromBytes(memory.GuestRequestedBytes),
            MemoryOverhead = Quantity.FromBytes(MemoryOverhead.Bytes(vmi, settings)),
        }
        : status.Memory;

    private static IReadOnlyList<VirtualMachineInstanceNetworkInterface> Interfaces(VirtualMachineInstanceStatus status, IReadOnlyList<VirtualMachineInstanceNetworkInterface> seen, bool agentIsExpected) =>
        agentIsExpected && status.Interfaces is { } known ? MovedAgent.Merge(known, seen) : seen;

    private static VirtualMachineInstanceNetworkInterface Interface(InterfaceObservation i, VirtualMachineInstance vmi) => new()
    {
        Name = i.Name,
        Mac = i.Mac,
        InterfaceName = i.InterfaceName,
        InfoSource = i.InfoSource,
        QueueCount = i.QueueCount,
        IpAddress = i.IpAddresses is [var first, ..] ? first : null,
        IpAddresses = i.IpAddresses.Count == 0 ? null : i.IpAddresses,
        LinkState = i.Name is null ? null : vmi.Spec?.Domain?.Devices?.Interfaces?.FirstOrDefault(n => n.Name == i.Name)?.State is "down" ? "down" : "up",
    };

    private static VirtualMachineInstanceGuestOSInfo GuestOs(GuestOsObservation os) => new()
    {
        Id = os.Id,
        Name = os.Name,
        PrettyName = os.PrettyName,
        Version = os.Version,
        VersionId = os.VersionId,
        KernelRelease = os.KernelRelease,
        KernelVersion = os.KernelVersion,
        Machine = os.Machine,
    };
}
