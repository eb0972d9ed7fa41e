using System.Globalization;
using Troupe.DevCluster.Nodes.Images;
using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Nodes.Containers;

/// <summary>Who the container's process is: the security contexts over the image's USER, names looked up in the image's passwd and group.</summary>
internal sealed record UserIdentity(long Uid, long Gid, IReadOnlyList<long> Groups)
{
    public static UserIdentity Of(PodSecurityContext pod, Container container, Image image)
    {
        var (userText, groupText) = image.Config.User.Split(':', 2) is [var u, var g] ? (u, g) : (image.Config.User, "");
        var passwd = Lines(image, "/etc/passwd");
        var asked = container.SecurityContext.RunAsUser ?? pod.RunAsUser;
        var entry = passwd.FirstOrDefault(fields => fields.Length > 3 && (asked is { } id ? fields[2] == id.ToString(CultureInfo.InvariantCulture) : fields[0] == userText || fields[2] == userText));
        var uid = asked ?? (userText.Length == 0 ? 0 : Number(userText) ?? (entry is null ? throw new ContainerConfigException($"unable to find user {userText}: no matching entries in passwd file") : Number(entry[2])!.Value));
        var gid = container.SecurityContext.RunAsGroup ?? pod.RunAsGroup
            ?? (asked is null && groupText.Length > 0 ? GroupId(image, groupText) : entry is null ? 0 : Number(entry[3]) ?? 0);

        var nonRoot = container.SecurityContext.RunAsNonRoot ?? pod.RunAsNonRoot ?? false;
        if (nonRoot && uid == 0)
        {
            throw new ContainerConfigException(asked == 0
                ? "container's runAsUser breaks non-root policy"
                : "container has runAsNonRoot and image will run as root");
        }
        IEnumerable<long> fsGroup = pod.FsGroup is { } group ? [group] : [];
        return new UserIdentity(uid, gid, [.. pod.SupplementalGroups.Concat(fsGroup).Distinct()]);
    }

    private static long GroupId(Image image, string group) =>
        Number(group) ?? Number(Lines(image, "/etc/group").FirstOrDefault(fields => fields.Length > 2 && fields[0] == group)?[2] ?? "")
        ?? throw new ContainerConfigException($"unable to find group {group}: no matching entries in group file");

    private static long? Number(string text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static List<string[]> Lines(Image image, string path)
    {
        var own = image.RootDirectory + path;
        var file = File.Exists(own) ? own : image.HostPaths.Contains("/etc") ? path : null;
        return file is null ? [] : [.. File.ReadLines(file).Select(line => line.Split(':'))];
    }
}
