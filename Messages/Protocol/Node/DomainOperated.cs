using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Wire;

namespace Troupe.Messages.Protocol.Node;

/// <summary>Do something to a running guest. Whoever asked, and nobody else, gets <see cref="DomainOperated"/>; it is not repeated.</summary>
/// <param name="Epoch">0 for whichever is current: an operation starts no guest.</param>
/// <param name="Client">Full address of the actor that waits: on its way to an agent a message loses its sender.</param>
public sealed record OperateGuest(string Node, string VmiUid, long Epoch, string Client, DomainOperation Operation) : INodeMessage;

/// <param name="Error">None when it was done.</param>
/// <param name="Message">The error in words.</param>
public sealed record DomainOperated(string VmiUid, string Node, LauncherError Error, string? Message, OperationResult? Result) : IWireMessage;

/// <summary>
/// The VMI's spec has changed: plug in and out what can be while the guest runs. What comes of it shows in the next
/// <see cref="DomainReported"/>; what failed comes as a <see cref="DomainRefused"/> that is not fatal, and is tried again.
/// </summary>
/// <param name="KeptAddresses">Addresses of the pods that a migrated guest has run in before.</param>
public sealed record UpdateDomain(string Node, string VmiUid, long Epoch, IReadOnlyList<string> PodAddresses, IReadOnlyList<string> KeptAddresses, VirtualMachineInstance Vmi) : IDomainCommand
{
    /// <summary>Names this state of the spec and its volumes. Comes back in <see cref="DomainObservation.Revision"/> when it is carried out.</summary>
    public string? Revision { get; init; }

    /// <summary>Volumes that are plugged into the guest: all of them, not only the new ones.</summary>
    public IReadOnlyList<PluggedVolume> Volumes { get; init; } = [];

    /// <inheritdoc cref="RunDomain.Bindings"/>
    public IReadOnlyDictionary<string, InterfaceBindingPlugin>? Bindings { get; init; }
}

/// <summary>A volume that is brought to the node by a pod of its own.</summary>
/// <param name="AttachmentPodUid">The pod that has it mounted.</param>
/// <param name="Kind">What of it the launcher's pod is to get.</param>
public sealed record PluggedVolume(string Name, string AttachmentPodUid, PluggedVolumeKind Kind);

public enum PluggedVolumeKind
{
    /// <summary>The file <c>disk.img</c> of a claim with a file system.</summary>
    Image,
    /// <summary>The device of a claim with volumeMode Block.</summary>
    Device,
    /// <summary>The whole folder: where a memory dump is written to.</summary>
    Folder,
}
