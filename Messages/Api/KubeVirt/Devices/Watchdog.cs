using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

public sealed record PanicDevice : ApiObject
{
    public string? Model { get; init; }
}

public sealed record Watchdog : ApiObject
{
    public Diag288Watchdog? Diag288 { get; init; }
    public I6300ESBWatchdog? I6300esb { get; init; }
    [ApiRequired]
    public string? Name { get; init; }
}

public sealed record Diag288Watchdog : ApiObject
{
    public string? Action { get; init; }
}

public sealed record I6300ESBWatchdog : ApiObject
{
    public string? Action { get; init; }
}
