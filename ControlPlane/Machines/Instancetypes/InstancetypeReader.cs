using Troupe.Kubernetes.Client;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.Instancetype;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Machines.Instancetypes;

/// <summary>An instance type or preference of a machine and the revision that keeps it.</summary>
/// <param name="Reference">What the machine's status says of it.</param>
/// <param name="NewRevision">To be created when the machine had none yet.</param>
public sealed record UsedObject<TSpec>(TSpec? Spec, InstancetypeStatusRef Reference, ControllerRevision? NewRevision);

/// <summary>Finds what a machine's matchers name: the kept revision, or else the object itself.</summary>
public sealed class InstancetypeReader(IKubeClient kubernetes)
{
    public const string DefaultInstancetypeKind = nameof(VirtualMachineClusterInstancetype);
    public const string DefaultPreferenceKind = nameof(VirtualMachineClusterPreference);

    /// <exception cref="KubeException">Neither the revision nor the object exists.</exception>
    public async Task<UsedObject<VirtualMachineInstancetypeSpec>?> InstancetypeAsync(VirtualMachine machine, CancellationToken ct)
    {
        if (machine.Spec?.Instancetype is not { Name: { Length: > 0 } name } matcher)
            return null;
        var kind = Kind(matcher.Kind, nameof(VirtualMachineInstancetype), DefaultInstancetypeKind);
        var kept = matcher.RevisionName ?? Kept(machine.Status?.InstancetypeRef, name, kind);
        if (kept is { Length: > 0 })
            return new(InstancetypeRevisions.Instancetype(await RevisionAsync(machine, kept, ct)), Reference(name, kind, kept), null);
        KubeObject used = kind == nameof(VirtualMachineInstancetype)
            ? await kubernetes.GetAsync<VirtualMachineInstancetype>(machine.Metadata.Namespace, name, ct)
            : await kubernetes.GetAsync<VirtualMachineClusterInstancetype>(null, name, ct);
        var revision = InstancetypeRevisions.Make(machine, used, kind);
        return new(InstancetypeRevisions.Instancetype(revision), Reference(name, kind, revision.Metadata.Name!), revision);
    }

    /// <inheritdoc cref="InstancetypeAsync"/>
    public async Task<UsedObject<VirtualMachinePreferenceSpec>?> PreferenceAsync(VirtualMachine machine, CancellationToken ct)
    {
        if (machine.Spec?.Preference is not { Name: { Length: > 0 } name } matcher)
            return null;
        var kind = Kind(matcher.Kind, nameof(VirtualMachinePreference), DefaultPreferenceKind);
        var kept = matcher.RevisionName ?? Kept(machine.Status?.PreferenceRef, name, kind);
        if (kept is { Length: > 0 })
            return new(InstancetypeRevisions.Preference(await RevisionAsync(machine, kept, ct)), Reference(name, kind, kept), null);
        KubeObject used = kind == nameof(VirtualMachinePreference)
            ? await kubernetes.GetAsync<VirtualMachinePreference>(machine.Metadata.Namespace, name, ct)
            : await kubernetes.GetAsync<VirtualMachineClusterPreference>(null, name, ct);
        var revision = InstancetypeRevisions.Make(machine, used, kind);
        return new(InstancetypeRevisions.Preference(revision), Reference(name, kind, revision.Metadata.Name!), revision);
    }

    private Task<ControllerRevision> RevisionAsync(VirtualMachine machine, string name, CancellationToken ct) =>
        kubernetes.GetAsync<ControllerRevision>(machine.Metadata.Namespace, name, ct);

    /// <summary>A machine that names another object now starts over with that one.</summary>
    private static string? Kept(InstancetypeStatusRef? status, string name, string kind) =>
        status?.Name == name && status.Kind == kind ? status.ControllerRevisionRef?.Name : null;

    /// <summary>Matchers may say the kind in the plural or lower case, as `kubectl` does.</summary>
    private static string Kind(string? kind, string namespaced, string cluster) =>
        kind is { Length: > 0 } && kind.TrimEnd('s').Equals(namespaced, StringComparison.OrdinalIgnoreCase) ? namespaced : cluster;

    private static InstancetypeStatusRef Reference(string name, string kind, string revision) => new()
    {
        Name = name,
        Kind = kind,
        ControllerRevisionRef = new ControllerRevisionRef { Name = revision },
    };
}
