using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.Launcher.Disks.CloudInit;

/// <summary>SSH keys that access credentials hand over by cloud-init.</summary>
internal static class PublicKeys
{
    /// <param name="noCloud">The kind of seed; a credential names one.</param>
    public static IReadOnlyList<string> Read(IReadOnlyList<AccessCredential> credentials, bool noCloud) =>
    [
        .. from credential in credentials
           let key = credential.SshPublicKey
           where key is not null && (noCloud ? (object?)key.PropagationMethod?.NoCloud : key.PropagationMethod?.ConfigDrive) is not null
           where key.Source?.Secret?.SecretName is { Length: > 0 }
           from file in IsoImage.FilesOf(LauncherPaths.AccessCredential(key.Source!.Secret!.SecretName!))
           from line in System.Text.Encoding.UTF8.GetString(file.Content).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
           where !line.StartsWith('#')
           select line,
    ];
}
