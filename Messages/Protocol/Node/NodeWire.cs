using Troupe.Messages.Wire;

namespace Troupe.Messages.Protocol.Node;

public static class NodeWire
{
    public static IReadOnlyList<WireType> Types { get; } =
    [
        WireType.Of("node.agent-hello.1", WireJson.Default.AgentHello),
        WireType.Of("node.agent-welcome.1", WireJson.Default.AgentWelcome),
        WireType.Of("node.run-domain.1", WireJson.Default.RunDomain),
        WireType.Of("node.stop-domain.1", WireJson.Default.StopDomain),
        WireType.Of("node.release-domain.1", WireJson.Default.ReleaseDomain),
        WireType.Of("node.query-domain.1", WireJson.Default.QueryDomain),
        WireType.Of("node.report-acknowledged.1", WireJson.Default.ReportAcknowledged),
        WireType.Of("node.domain-reported.1", WireJson.Default.DomainReported),
        WireType.Of("node.domain-not-here.1", WireJson.Default.DomainNotHere),
        WireType.Of("node.domain-refused.1", WireJson.Default.DomainRefused),
        WireType.Of("node.operate-guest.1", WireJson.Default.OperateGuest),
        WireType.Of("node.domain-operated.1", WireJson.Default.DomainOperated),
        WireType.Of("node.update-domain.1", WireJson.Default.UpdateDomain),
    ];
}
