using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

public sealed record Probe : ApiObject
{
    public Core.ExecAction? Exec { get; init; }
    public int? FailureThreshold { get; init; }
    public GuestAgentPing? GuestAgentPing { get; init; }
    public Core.HTTPGetAction? HttpGet { get; init; }
    public int? InitialDelaySeconds { get; init; }
    public int? PeriodSeconds { get; init; }
    public int? SuccessThreshold { get; init; }
    public Core.TCPSocketAction? TcpSocket { get; init; }
    public int? TimeoutSeconds { get; init; }
}

public sealed record GuestAgentPing : ApiObject;
