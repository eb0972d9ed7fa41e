namespace Troupe.DevCluster.Nodes.Volumes;

internal sealed record Attachment(string Node, string PodUid);

/// <summary>Which pods use a persistent volume, one empty file each. Checking and noting is one step, whatever worker asks.</summary>
internal sealed class Attachments(string root)
{
    private readonly Lock gate = new();

    public IReadOnlyList<Attachment> Of(string volume)
    {
        lock (gate) return Read(volume);
    }

    /// <param name="volume">Name of the PersistentVolume.</param>
    /// <param name="user">Who wants it.</param>
    /// <param name="mayShare">Whether the two may use it at the same time.</param>
    /// <returns>The users that stand in the way; none when it is attached now.</returns>
    public IReadOnlyList<Attachment> Attach(string volume, Attachment user, Func<Attachment, bool> mayShare)
    {
        lock (gate)
        {
            var others = Read(volume).Where(other => other != user && !mayShare(other)).ToList();
            if (others.Count > 0) return others;
            Directory.CreateDirectory($"{root}/{volume}");
            File.WriteAllText($"{root}/{volume}/{user.Node}~{user.PodUid}", "");
            return [];
        }
    }

    public void Remove(string volume, Attachment user)
    {
        lock (gate) File.Delete($"{root}/{volume}/{user.Node}~{user.PodUid}");
    }

    /// <summary>The pod uses nothing any more.</summary>
    /// <returns>Volumes that nobody uses now.</returns>
    public IReadOnlyList<string> Release(string podUid)
    {
        var free = new List<string>();
        lock (gate)
        {
            foreach (var volume in Directory.EnumerateDirectories(root).Where(directory => Directory.EnumerateFiles(directory, $"*~{podUid}").Any()).ToList())
            {
                foreach (var file in Directory.EnumerateFiles(volume, $"*~{podUid}").ToList()) File.Delete(file);
                if (Directory.EnumerateFiles(volume).Any()) continue;
                Directory.Delete(volume);
                free.Add(Path.GetFileName(volume));
            }
        }
        return free;
    }

    private List<Attachment> Read(string volume) => !Directory.Exists($"{root}/{volume}") ? [] :
        [.. Directory.EnumerateFiles($"{root}/{volume}").Select(file => Path.GetFileName(file).Split('~', 2)).Select(parts => new Attachment(parts[0], parts[1]))];
}
