using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

public sealed record CloudInitConfigDriveSource : ApiObject
{
    public string? NetworkData { get; init; }
    public string? NetworkDataBase64 { get; init; }
    public Core.LocalObjectReference? NetworkDataSecretRef { get; init; }
    public Core.LocalObjectReference? SecretRef { get; init; }
    public string? UserData { get; init; }
    public string? UserDataBase64 { get; init; }
}

public sealed record CloudInitNoCloudSource : ApiObject
{
    public string? NetworkData { get; init; }
    public string? NetworkDataBase64 { get; init; }
    public Core.LocalObjectReference? NetworkDataSecretRef { get; init; }
    public Core.LocalObjectReference? SecretRef { get; init; }
    public string? UserData { get; init; }
    public string? UserDataBase64 { get; init; }
}

public sealed record SysprepSource : ApiObject
{
    public Core.LocalObjectReference? ConfigMap { get; init; }
    public Core.LocalObjectReference? Secret { get; init; }
}
