using Troupe.ControlPlane.Feeds;
using Troupe.ControlPlane.Machines.Instancetypes;
using Troupe.Messages.Api.Cdi;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Machines;

namespace Troupe.ControlPlane.Machines.Vm;

/// <summary>The spec that the present instance was made from, as its ControllerRevision keeps it.</summary>
public sealed record StartedRevision(string Name, VirtualMachineSpec Spec);

/// <summary>Another instance type or preference than the present instance was started with, each as its object is now.</summary>
/// <param name="Key">The start revision and the machine's generation that it is about.</param>
/// <param name="Before">Null when what the instance was started with can't be found any more.</param>
/// <param name="After">Null when what is named now can't be found.</param>
public sealed record SizingChange(string Key, UsedInstancetypes? Before, UsedInstancetypes? After);

/// <summary>Why the last try to do something for the machine failed; a word and a sentence for the `Failure` condition.</summary>
public sealed record SyncFailure(string Reason, string Message);

/// <summary>
/// What a machine's actor knows. Everything in it is read again from Kubernetes after a crash: the machine's status carries what must be remembered.
/// </summary>
public sealed record MachineState(string Uid)
{
    public VirtualMachine? Machine { get; init; }
    public bool Gone { get; init; }

    /// <summary>Null is only meaningful once <see cref="InstanceKnown"/>.</summary>
    public VirtualMachineInstance? Instance { get; init; }

    /// <summary>The instance, or that there is none, has been told; before that, nothing is started.</summary>
    public bool InstanceKnown { get; init; }

    /// <summary>UID of the instance whose owner was looked up since the machine's deletion.</summary>
    public string? OwnerSeen { get; init; }

    public IReadOnlyDictionary<string, DataVolume> DataVolumes { get; init; } = new Dictionary<string, DataVolume>();
    public StartedRevision? Started { get; init; }
    public SizingChange? Sizing { get; init; }
    public SyncFailure? Failure { get; init; }

    /// <summary>What this actor has written on the claim of the memory dump.</summary>
    public ClaimNote? DumpNote { get; init; }
    public InstancetypeStatusRef? InstancetypeRef { get; init; }
    public InstancetypeStatusRef? PreferenceRef { get; init; }

    public MachineState Observe(IMachineMessage message) => message switch
    {
        // A feed may lag behind our own writes.
        MachineObserved m when ResourceVersions.IsNewer(m.Machine.Metadata.ResourceVersion, Machine?.Metadata.ResourceVersion) => this with { Machine = m.Machine },
        MachineGone => this with { Gone = true },
        InstanceObserved o when Instance is null || Instance.Metadata.Uid != o.Instance.Metadata.Uid || ResourceVersions.IsNewer(o.Instance.Metadata.ResourceVersion, Instance.Metadata.ResourceVersion) =>
            this with { Instance = o.Instance, InstanceKnown = true },
        InstanceGone g when Instance is null || Instance.Metadata.Uid == g.InstanceUid => this with { Instance = null, InstanceKnown = true },
        // The list may be older than an instance that was made since; only its end, not its absence, takes that away.
        NoInstanceListed when Instance is null => this with { InstanceKnown = true },
        DataVolumeObserved d => this with { DataVolumes = new Dictionary<string, DataVolume>(DataVolumes) { [d.DataVolume.Metadata.Name!] = d.DataVolume } },
        DataVolumeGone d => this with { DataVolumes = DataVolumes.Where(v => v.Key != d.Name).ToDictionary() },
        _ => this,
    };

    /// <summary>The API server has taken the deletion; the feed will say so too, but later.</summary>
    public MachineState WithInstanceDeleting(string uid, DateTimeOffset at) => Instance is { Metadata.DeletionTimestamp: null } instance && instance.Metadata.Uid == uid
        ? this with { Instance = instance with { Metadata = instance.Metadata with { DeletionTimestamp = at } } }
        : this;
}
