using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.Core;

public sealed record ExecAction : ApiObject
{
    [ListType("atomic")]
    public IReadOnlyList<string>? Command { get; init; }
}

public sealed record HTTPGetAction : ApiObject
{
    public string? Host { get; init; }
    [ListType("atomic")]
    public IReadOnlyList<HTTPHeader>? HttpHeaders { get; init; }
    public string? Path { get; init; }
    [ApiRequired]
    public IntOrString? Port { get; init; }
    public string? Scheme { get; init; }
}

public sealed record TCPSocketAction : ApiObject
{
    public string? Host { get; init; }
    [ApiRequired]
    public IntOrString? Port { get; init; }
}

public sealed record HTTPHeader : ApiObject
{
    [ApiRequired]
    public string? Name { get; init; }
    [ApiRequired]
    public string? Value { get; init; }
}
