using Troupe.Messages.Api.Meta;

namespace Troupe.Messages.Api.KubeVirt;

public sealed record AccessCredential : ApiObject
{
    public SSHPublicKeyAccessCredential? SshPublicKey { get; init; }
    public UserPasswordAccessCredential? UserPassword { get; init; }
}

public sealed record SSHPublicKeyAccessCredential : ApiObject
{
    [ApiRequired]
    public SSHPublicKeyAccessCredentialPropagationMethod? PropagationMethod { get; init; }
    [ApiRequired]
    public SSHPublicKeyAccessCredentialSource? Source { get; init; }
}

public sealed record UserPasswordAccessCredential : ApiObject
{
    [ApiRequired]
    public UserPasswordAccessCredentialPropagationMethod? PropagationMethod { get; init; }
    [ApiRequired]
    public UserPasswordAccessCredentialSource? Source { get; init; }
}

public sealed record SSHPublicKeyAccessCredentialPropagationMethod : ApiObject
{
    public ConfigDriveSSHPublicKeyAccessCredentialPropagation? ConfigDrive { get; init; }
    public NoCloudSSHPublicKeyAccessCredentialPropagation? NoCloud { get; init; }
    public QemuGuestAgentSSHPublicKeyAccessCredentialPropagation? QemuGuestAgent { get; init; }
}

public sealed record SSHPublicKeyAccessCredentialSource : ApiObject
{
    public AccessCredentialSecretSource? Secret { get; init; }
}

public sealed record UserPasswordAccessCredentialPropagationMethod : ApiObject
{
    public QemuGuestAgentUserPasswordAccessCredentialPropagation? QemuGuestAgent { get; init; }
}

public sealed record UserPasswordAccessCredentialSource : ApiObject
{
    public AccessCredentialSecretSource? Secret { get; init; }
}

public sealed record ConfigDriveSSHPublicKeyAccessCredentialPropagation : ApiObject;

public sealed record NoCloudSSHPublicKeyAccessCredentialPropagation : ApiObject;

public sealed record QemuGuestAgentSSHPublicKeyAccessCredentialPropagation : ApiObject
{
    [ApiRequired, ListType("set")]
    public IReadOnlyList<string>? Users { get; init; }
}

public sealed record AccessCredentialSecretSource : ApiObject
{
    [ApiRequired]
    public string? SecretName { get; init; }
}

public sealed record QemuGuestAgentUserPasswordAccessCredentialPropagation : ApiObject;
