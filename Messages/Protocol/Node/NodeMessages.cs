using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Wire;

namespace Troupe.Messages.Protocol.Node;

/// <summary>Addressed to the agent of one node, by the node's name.</summary>
public interface INodeMessage : IWireMessage
{
    string Node { get; }
}

/// <summary>A command about one VMI's domain. Carries the epoch; a domain actor refuses a smaller one than it has seen.</summary>
public interface IDomainCommand : INodeMessage
{
    string VmiUid { get; }
    long Epoch { get; }
}

/// <summary>Sent by an agent when it starts and every <see cref="NodeProtocol.HeartbeatInterval"/>; the sender is its NodeActor.</summary>
/// <param name="AgentId">New for every agent process.</param>
public sealed record AgentHello(string Node, string AgentId, int ProtocolVersion) : INodeMessage;

public sealed record AgentWelcome(string Node, string AgentId) : INodeMessage;

/// <summary>Prepare network and disks in the launcher pod and run the guest. Idempotent: a running guest stays as it is.</summary>
public sealed record RunDomain(string Node, string VmiUid, long Epoch, string PodUid, IReadOnlyList<string> PodAddresses, VirtualMachineInstance Vmi) : IDomainCommand
{
    /// <summary>As in <see cref="UpdateDomain"/>.</summary>
    public string? Revision { get; init; }

    /// <summary>The binding plugins of the guest's interfaces, by name; null when none has one.</summary>
    public IReadOnlyDictionary<string, InterfaceBindingPlugin>? Bindings { get; init; }
}

/// <summary>Shut the guest down: ACPI now and again every 5 s, destroy at <paramref name="Deadline"/>.</summary>
public sealed record StopDomain(string Node, string VmiUid, long Epoch, DateTimeOffset Deadline) : IDomainCommand;

/// <summary>The VMI is over: end the launcher and forget everything about it.</summary>
public sealed record ReleaseDomain(string Node, string VmiUid, long Epoch) : IDomainCommand;

/// <summary>Answer with the latest report, or <see cref="DomainNotHere"/>. Asked after either side restarted.</summary>
public sealed record QueryDomain(string Node, string VmiUid, long Epoch) : IDomainCommand;

/// <summary>The control plane has journaled what this report says; without it, the agent repeats the report.</summary>
public sealed record ReportAcknowledged(string Node, string VmiUid, long Epoch, long Sequence) : IDomainCommand;

public static class NodeProtocol
{
    public const int Version = 1;
    public static readonly TimeSpan HeartbeatInterval = TimeSpan.FromSeconds(5);
}
