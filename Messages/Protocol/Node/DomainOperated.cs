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
public sealed record UpdateDomain(string Node, string VmiUid, long Epoch, IReadOnlyList<string> PodAddresses, IReadOnlyList<string> KeptAddresses, VirtualMachineInstance Vmi) : IDomainCommand;
