using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

public sealed record ComponentConfig : ApiObject
{
    public NodePlacement? NodePlacement { get; init; }
    [ApiFormat("")]
    public int? Replicas { get; init; }
}

public sealed record NodePlacement : ApiObject
{
    public Affinity? Affinity { get; init; }
    public IReadOnlyDictionary<string, string>? NodeSelector { get; init; }
    public IReadOnlyList<Toleration>? Tolerations { get; init; }
}

public sealed record CustomizeComponents : ApiObject
{
    public ComponentFlags? Flags { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<CustomizeComponentsPatch>? Patches { get; init; }
}

public sealed record CustomizeComponentsPatch : ApiObject
{
    [ApiRequired]
    public string? Patch { get; init; }
    [ApiRequired]
    [ApiMinLength(1)]
    public string? ResourceName { get; init; }
    [ApiRequired]
    [ApiMinLength(1)]
    public string? ResourceType { get; init; }
    [ApiRequired]
    public string? Type { get; init; }
}

public sealed record ComponentFlags : ApiObject
{
    public IReadOnlyDictionary<string, string>? Api { get; init; }
    public IReadOnlyDictionary<string, string>? Controller { get; init; }
    public IReadOnlyDictionary<string, string>? Handler { get; init; }
}

public sealed record KubeVirtWorkloadUpdateStrategy : ApiObject
{
    public Duration? BatchEvictionInterval { get; init; }
    [ApiFormat("")]
    public int? BatchEvictionSize { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<string>? WorkloadUpdateMethods { get; init; }
}
