using System.Text.Json.Serialization;
using Troupe.Messages.Wire;

namespace Troupe.Messages.Protocol.Node;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(AgentHello))]
[JsonSerializable(typeof(AgentWelcome))]
[JsonSerializable(typeof(RunDomain))]
[JsonSerializable(typeof(StopDomain))]
[JsonSerializable(typeof(ReleaseDomain))]
[JsonSerializable(typeof(QueryDomain))]
[JsonSerializable(typeof(ReportAcknowledged))]
[JsonSerializable(typeof(DomainReported))]
[JsonSerializable(typeof(DomainNotHere))]
[JsonSerializable(typeof(DomainRefused))]
[JsonSerializable(typeof(OperateGuest))]
[JsonSerializable(typeof(DomainOperated))]
[JsonSerializable(typeof(UpdateDomain))]
public sealed partial class NodeJson : JsonSerializerContext;

public static class NodeWire
{
    public static IReadOnlyList<WireType> Types { get; } =
    [
        WireType.Of("node.agent-hello.1", NodeJson.Default.AgentHello),
        WireType.Of("node.agent-welcome.1", NodeJson.Default.AgentWelcome),
        WireType.Of("node.run-domain.1", NodeJson.Default.RunDomain),
        WireType.Of("node.stop-domain.1", NodeJson.Default.StopDomain),
        WireType.Of("node.release-domain.1", NodeJson.Default.ReleaseDomain),
        WireType.Of("node.query-domain.1", NodeJson.Default.QueryDomain),
        WireType.Of("node.report-acknowledged.1", NodeJson.Default.ReportAcknowledged),
        WireType.Of("node.domain-reported.1", NodeJson.Default.DomainReported),
        WireType.Of("node.domain-not-here.1", NodeJson.Default.DomainNotHere),
        WireType.Of("node.domain-refused.1", NodeJson.Default.DomainRefused),
        WireType.Of("node.operate-guest.1", NodeJson.Default.OperateGuest),
        WireType.Of("node.domain-operated.1", NodeJson.Default.DomainOperated),
        WireType.Of("node.update-domain.1", NodeJson.Default.UpdateDomain),
    ];
}
