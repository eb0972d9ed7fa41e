using Troupe.ControlPlane.Admission.Review;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.Instancetype;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Machines.Instancetypes;

/// <summary>An instance type or preference of a machine and the revision that keeps it.</summary>
/// <param name="Reference">What the machine's status says of it.</param>
/// <param name="NewRevision">To be created when the machine had none yet.</param>
public sealed record UsedObject<TSpec>(TSpec? Spec, InstancetypeStatusRef Reference, ControllerRevision? NewRevision);

/// <summary>What a machine is sized and shaped by.</summary>
public sealed record UsedInstancetypes(VirtualMachineInstancetypeSpec? Instancetype, VirtualMachinePreferenceSpec? Preference);

/// <summary>What a machine's matcher names does not exist; the message is the API server's for it.</summary>
public sealed class InstancetypeMissingException(string resource, string name) : Exception($"{resource} \"{name}\" not found");

/// <summary>Finds what a machine's matchers name: the kept revision, or else the object itself.</summary>
public sealed class InstancetypeReader(IClusterObjects objects)
{
    public const string DefaultInstancetypeKind = nameof(VirtualMachineClusterInstancetype);
    public const string DefaultPreferenceKind = nameof(VirtualMachineClusterPreference);

    /// <exception cref="InstancetypeMissingException">The revision, or without one the object, does not exist.</exception>
    public async Task<UsedObject<VirtualMachineInstancetypeSpec>?> InstancetypeAsync(VirtualMachine machine, CancellationToken ct)
    {
        if (machine.Spec?.Instancetype is not { Name: { Length: > 0 } name } matcher)
            return null;
        var kind = Kind(matcher.Kind, nameof(VirtualMachineInstancetype), DefaultInstancetypeKind);
        var kept = matcher.RevisionName ?? Kept(machine.Status?.InstancetypeRef, name, kind);
        if (kept is { Length: > 0 })
            return new(InstancetypeRevisions.Instancetype(await RevisionAsync(machine, kept, ct)), Reference(name, kind, kept), null);
        var used = kind == nameof(VirtualMachineInstancetype)
            ? await GetAsync<VirtualMachineInstancetype>(machine.Metadata.Namespace, name, ct)
            : await GetAsync<VirtualMachineClusterInstancetype>(null, name, ct);
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
        var used = kind == nameof(VirtualMachinePreference)
            ? await GetAsync<VirtualMachinePreference>(machine.Metadata.Namespace, name, ct)
            : await GetAsync<VirtualMachineClusterPreference>(null, name, ct);
        var revision = InstancetypeRevisions.Make(machine, used, kind);
        return new(InstancetypeRevisions.Preference(revision), Reference(name, kind, revision.Metadata.Name!), revision);
    }

    private async Task<ControllerRevision> RevisionAsync(VirtualMachine machine, string name, CancellationToken ct) =>
        await objects.FindAsync<ControllerRevision>(machine.Metadata.Namespace, name, ct).ConfigureAwait(false) ?? throw new InstancetypeMissingException("controllerrevisions.apps", name);

    private async Task<KubeObject> GetAsync<T>(string? ns, string name, CancellationToken ct) where T : KubeObject =>
        await objects.FindAsync<T>(ns, name, ct).ConfigureAwait(false) ?? throw new InstancetypeMissingException($"{typeof(T).Name.ToLowerInvariant()}s.instancetype.kubevirt.io", name);

    /// <summary>A machine that names another object now starts over with that one.</summary>
    private static string? Kept(InstancetypeStatusRef? status, string name, string kind) =>
        status?.Name == name && status.Kind == kind ? status.ControllerRevisionRef?.Name : null;

    /// <summary>The resource that a matcher names, and whether it is one of the machine's namespace; null without a matcher.</summary>
    public static (string Resource, string Name, bool Namespaced)? InstancetypeOf(VirtualMachine machine) => machine.Spec?.Instancetype is { Name: { Length: > 0 } name } matcher
        ? Resource(Kind(matcher.Kind, nameof(VirtualMachineInstancetype), DefaultInstancetypeKind), name, nameof(VirtualMachineInstancetype))
        : null;

    /// <inheritdoc cref="InstancetypeOf"/>
    public static (string Resource, string Name, bool Namespaced)? PreferenceOf(VirtualMachine machine) => machine.Spec?.Preference is { Name: { Length: > 0 } name } matcher
        ? Resource(Kind(matcher.Kind, nameof(VirtualMachinePreference), DefaultPreferenceKind), name, nameof(VirtualMachinePreference))
        : null;

    private static (string, string, bool) Resource(string kind, string name, string namespaced) => ($"{kind.ToLowerInvariant()}s", name, kind == namespaced);

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
