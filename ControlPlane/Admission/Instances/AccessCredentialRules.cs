using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Instances;

/// <summary>SSH keys and passwords that are put into the guest.</summary>
internal static class AccessCredentialRules
{
    public static IEnumerable<StatusCause> All(InstanceContext c)
    {
        foreach (var (index, credential) in (c.Spec.AccessCredentials ?? []).Index())
        {
            var field = c.Path["accessCredentials"][index];
            if (credential.SshPublicKey is { } ssh)
            {
                foreach (var cause in SshPublicKey(c, field, ssh))
                    yield return cause;
            }

            if (credential.UserPassword is { } password)
            {
                foreach (var cause in ExactlyOne(field, "userPassword", password.Source?.Secret is null ? 0 : 1, password.PropagationMethod?.QemuGuestAgent is null ? 0 : 1))
                    yield return cause;
            }

            if (credential.SshPublicKey is null == credential.UserPassword is null)
                yield return Cause.Invalid(field, $"{field} must have exactly one access credential type set");
        }
    }

    private static IEnumerable<StatusCause> SshPublicKey(InstanceContext c, FieldPath field, SSHPublicKeyAccessCredential ssh)
    {
        var method = ssh.PropagationMethod ?? new SSHPublicKeyAccessCredentialPropagationMethod();
        var path = field.At("sshPublicKey", "propagationMethod");
        if (method.NoCloud is not null && c.Volumes.All(v => v.CloudInitNoCloud is null))
            yield return Cause.Invalid(path, $"{field} requires a noCloud volume to exist when the noCloud propagationMethod is in use.");
        if (method.ConfigDrive is not null && c.Volumes.All(v => v.CloudInitConfigDrive is null))
            yield return Cause.Invalid(path, $"{field} requires a configDrive volume to exist when the configDrive propagationMethod is in use.");
        if (method.QemuGuestAgent is { Users: null or { Count: 0 } })
            yield return Cause.Invalid(path.At("qemuGuestAgent", "users"), $"{field} requires at least one user to be present in the users list");
        var methods = new object?[] { method.NoCloud, method.ConfigDrive, method.QemuGuestAgent }.Count(m => m is not null);
        foreach (var cause in ExactlyOne(field, "sshPublicKey", ssh.Source?.Secret is null ? 0 : 1, methods))
            yield return cause;
    }

    private static IEnumerable<StatusCause> ExactlyOne(FieldPath field, string kind, int sources, int methods)
    {
        if (sources != 1)
            yield return Cause.Invalid(field.At(kind, "source"), $"{field} must have exactly one source set");
        if (methods != 1)
            yield return Cause.Invalid(field.At(kind, "propagationMethod"), $"{field} must have exactly one propagationMethod set");
    }
}
